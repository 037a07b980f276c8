import { expect, test } from "vitest";
import { ZERO } from "../../../src/base/model.js";
import { applyChanges, REFUSALS_ONCE_READ } from "../../../src/git/mirror/apply-changes.js";
import { KEEP_NOTHING } from "../../../src/git/mirror/kept.js";
import { bareRepository, plainGit, realGit } from "../../support/git.js";

const namesIn = (dir: string) => plainGit(dir, "for-each-ref", "--format=%(refname)").split("\n");

test("refs that git refuses are found by halves, and all others are changed", async () => {
  const { dir, commit } = bareRepository();
  const long = ["l", "n"].map((letter) => `refs/heads/${letter.repeat(251)}`);
  const names = ["a", "b", "c", "d", "e", "f"].map((name) => `refs/heads/${name}`);
  const all = [names[0]!, long[0]!, ...names.slice(1), long[1]!];
  const changes = all.map((ref) => ({ ref, before: ZERO, after: commit }));
  const { refused } = await applyChanges(realGit(), dir, changes);
  expect(refused.map(({ ref }) => ref)).toEqual(long);
  expect(namesIn(dir)).toEqual([...names, "refs/heads/main"]);
});

test("a ref that is not where the mirror lists it is refused alone only once every ref was read", async () => {
  const { dir, commit } = bareRepository();
  const changes = ["refs/heads/main", "refs/heads/new"].map((ref) => ({ ref, before: ZERO, after: commit }));
  const other = { ref: "refs/heads/main", before: "1".repeat(40), after: ZERO };
  await expect(applyChanges(realGit(), dir, [other])).rejects.toMatchObject({ code: "tip_moved" });
  const { refused } = await applyChanges(
    realGit(),
    dir,
    [other, changes[1]!],
    KEEP_NOTHING,
    REFUSALS_ONCE_READ,
  );
  expect(refused.map(({ ref }) => ref)).toEqual(["refs/heads/main"]);
  expect(namesIn(dir)).toEqual(["refs/heads/main", "refs/heads/new"]);
});

test("names that some file systems take for one are changed one after the other, in one call", async () => {
  const { dir, commit } = bareRepository();
  const names = ["refs/heads/Caf\u00e9", "refs/heads/caf\u00e9", "refs/heads/cafe\u0301"];
  const { refused } = await applyChanges(
    realGit(),
    dir,
    names.map((ref) => ({ ref, before: ZERO, after: commit })),
  );
  expect(refused).toEqual([]);
  expect(namesIn(dir)).toHaveLength(4);
});
