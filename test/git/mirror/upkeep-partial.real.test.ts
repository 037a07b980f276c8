import { execFileSync } from "node:child_process";
import { readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { requireFetchedTrees, requireTrees } from "../../../src/git/mirror/partial.js";
import { looseFile, objectsOf, PATH, plainGit, realGit } from "../../support/git.js";
import { mirrorWith, never } from "../../support/mirror.js";
import { expectComplete, textsIn } from "../../support/partial.js";
import { commitFiles } from "../../support/trees.js";
import { ageObjects, DAY_MS } from "../../support/wear.js";

const packs = (dir: string) =>
  readdirSync(join(dir, "objects/pack")).filter((name) => name.endsWith(".pack"));

/** Makes a partial mirror, and a function that commits to it with the committed contents. */
function partialMirror(count: number) {
  const { id, dir, upkeep } = mirrorWith(count, { partial: true });
  const commit = (text: string, branch = "main") => {
    if (branch !== "main" && plainGit(dir, "for-each-ref", `refs/heads/${branch}`) === "")
      plainGit(dir, "update-ref", `refs/heads/${branch}`, "main");
    return commitFiles(dir, { [`${branch}/${text}`]: text }, branch);
  };
  return { id, dir, upkeep, commit };
}

test("a prune keeps the contents that refs lead to, and drops the others with what led to them", async () => {
  const { id, dir, upkeep, commit } = partialMirror(5);
  commit("one");
  commit("two");
  const tip = commit("three", "gone");
  expect(textsIn(dir)).toEqual(["one", "three", "two"]);
  plainGit(dir, "update-ref", "-d", "refs/heads/gone");
  ageObjects(dir);
  await upkeep.tidy(id, never);
  ageObjects(dir);
  expect(await upkeep.isLost(id, [tip], never)).toBe(true);
  expect(await upkeep.prune(id, DAY_MS, never)).toBe(false);
  expect(textsIn(dir)).toEqual(["one", "two"]);
  expect(objectsOf(dir)).not.toContain(tip);
  expect(packs(dir)).toHaveLength(1);
  expectComplete(dir);
});

test("contents go no sooner than a commit that has them", async () => {
  const { id, dir, upkeep, commit } = partialMirror(3);
  commit("old", "gone");
  ageObjects(dir);
  const young = commit("young", "gone");
  plainGit(dir, "update-ref", "-d", "refs/heads/gone");
  expect(await upkeep.prune(id, DAY_MS, never)).toBe(true);
  expect(textsIn(dir)).toEqual(["old", "young"]);
  plainGit(dir, "rev-list", "--objects", "--filter=blob:none", young);
});

test("a second prune with nothing new leaves the packs as they are", async () => {
  const { id, dir, upkeep } = partialMirror(30);
  await upkeep.prune(id, DAY_MS, never);
  const before = packs(dir);
  expect(await upkeep.prune(id, DAY_MS, never)).toBe(false);
  expect(packs(dir)).toEqual(before);
  expectComplete(dir);
});

test("a pack that someone keeps stays", async () => {
  const { id, dir, upkeep, commit } = partialMirror(200);
  const [kept] = packs(dir);
  writeFileSync(join(dir, "objects/pack", kept!.replace(".pack", ".keep")), "");
  commit("one");
  await upkeep.prune(id, 0, never);
  expect(packs(dir)).toContain(kept);
  expect(packs(dir)).toHaveLength(2);
  expectComplete(dir);
});

test("contents that cannot be read at the moment are not missing", async () => {
  const { id, dir, upkeep, commit } = partialMirror(3);
  commit("one");
  const blob = plainGit(dir, "rev-parse", "main:main/one");
  const index = join(dir, `objects/pack/pack-${packOf(dir, blob)}.idx`);
  rmSync(looseFile(dir, blob));
  renameSync(index, `${index}.away`);
  symlinkSync(index, index); // ELOOP, for whomever: a mode would not stop root
  await expect(upkeep.prune(id, 0, never)).rejects.toMatchObject({
    code: expect.stringMatching(/^(git|corrupt)$/),
  });
  renameSync(`${index}.away`, index);
  expect(textsIn(dir)).toEqual(["one"]);
  await upkeep.prune(id, 0, never);
  expect(textsIn(dir)).toEqual(["one"]);
});

/** Packs one object alone, as GitHub sends contents. @returns the hash in the pack's name */
function packOf(dir: string, object: string): string {
  const args = ["pack-objects", "-q", join(dir, "objects/pack/pack")];
  return execFileSync("git", args, {
    env: { PATH, GIT_DIR: dir },
    input: `${object}\n`,
    encoding: "utf8",
  }).trim();
}

test("the presence of all commits and trees is checked", async () => {
  const { dir, commit } = partialMirror(3);
  const call = { gitDir: dir, timeoutMs: 60_000 };
  const tree = plainGit(dir, "rev-parse", `${commit("one")}^{tree}`);
  await requireTrees(realGit(), call);
  rmSync(looseFile(dir, tree));
  await expect(requireTrees(realGit(), call)).rejects.toMatchObject({ code: "corrupt" });
  const [fetched, base] = ["main~1", "main~2"].map((name) => plainGit(dir, "rev-parse", name));
  plainGit(dir, "update-ref", "refs/base/000000", base!);
  await requireFetchedTrees(realGit(), call, [fetched!]);
});

test("a check finds a missing tree, and a prune stops at it; neither asks for contents", async () => {
  const { id, dir, upkeep, commit } = partialMirror(3);
  commit("one");
  commit("two");
  expect(await upkeep.check(id, never)).toEqual({ sound: true });
  const tree = plainGit(dir, "rev-parse", "main~1^{tree}");
  renameSync(looseFile(dir, tree), `${looseFile(dir, tree)}.away`);
  expect(await upkeep.check(id, never)).toMatchObject({ sound: false, object: tree });
  const before = packs(dir);
  await expect(upkeep.prune(id, 0, never)).rejects.toMatchObject({ code: "corrupt" });
  expect(packs(dir)).toEqual(before);
  renameSync(`${looseFile(dir, tree)}.away`, looseFile(dir, tree));
  rmSync(looseFile(dir, plainGit(dir, "rev-parse", "main:main/two")));
  expect(await upkeep.check(id, never)).toEqual({ sound: true });
  await upkeep.prune(id, 0, never);
  expect(textsIn(dir)).toEqual(["one"]);
  expectComplete(dir);
});
