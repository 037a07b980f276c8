import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLayout } from "../../src/git/disk/layout.js";
import { createUpkeep } from "../../src/git/mirror/upkeep.js";
import { objectsOf, plainGit, realGit } from "../support/git.js";
import { post } from "../support/history.js";
import { never } from "../support/mirror.js";
import { expectComplete } from "../support/partial.js";
import { checkoutsOf, expectTree, published, vetoing } from "../support/published.js";
import { type Shown, untilState } from "../support/state.js";

import { ageObjects, DAY_MS } from "../support/wear.js";
import type { World } from "../support/world.js";

async function refused(env: Record<string, string>) {
  const setup = await published({ PRE_PUBLISH_HOOK: vetoing(), ...env });
  const good = await setup.push({ good: "good" });
  for (let n = 0; n < 3; n++) await setup.push({ veto: `${n}` });
  expect((await checkoutsOf(setup.world, setup.repo))[0]).toMatchObject({ commit: good });
  return { ...setup, good };
}

const pinsOf = (mirror: string) => plainGit(mirror, "for-each-ref", "refs/lockstep/published");

const isAtRest = ({ queued, running }: Shown): boolean => !queued && !running;

/** Ages the mirror as weeks of maintenance would. */
async function prune(world: World, id: number, fits = isAtRest): Promise<void> {
  await world.stop();
  const upkeep = createUpkeep({ git: realGit(), layout: createLayout(world.dataDir), timeoutMs: 60_000 });
  await upkeep.tidy(id, never);
  ageObjects(join(world.dataDir, "repos", String(id), "mirror.git"));
  await upkeep.prune(id, DAY_MS, never);
  await world.start();
  await untilState(world, "acme/app", fits);
}

/** Waits until passes have repaired the published tree. */
async function repaired(world: World, link: string): Promise<void> {
  const isRight = () => existsSync(link) && readFileSync(join(link, "good"), "utf8") === "good";
  await untilState(world, "acme/app", isRight, () => world.sweep());
}

test.each(["", "?depth=1", "?filter=blob:none", "?filter=blob:none&depth=1"])(
  "the published commit stays in the mirror, and its tree is repaired, while later commits are refused (%s)",
  async (depth) => {
    const { world, repo, link, push, good } = await refused({ CHECKOUTS: `acme/*${depth}` });
    await prune(world, repo.id);
    expect(objectsOf(world.mirror(repo))).toContain(good);
    writeFileSync(join(realpathSync(link()), "good"), "edited");
    await repaired(world, link());
    rmSync(realpathSync(link()), { recursive: true });
    await repaired(world, link());
    if (depth.includes("filter")) expectComplete(world.mirror(repo));
    else plainGit(world.mirror(repo), "fsck", "--strict");
    const next = await push({ veto: null, after: "1" });
    expectTree(world, repo, link(), next);
    expect(pinsOf(world.mirror(repo))).toBe("");
  },
);

test("the published tree is kept and repaired while its successor fails", async () => {
  const { world, repo, standin, link, push } = await published({ CHECKOUTS: "acme/*?depth=1&lfs=yes" });
  await push({ ".gitattributes": "*.bin filter=lfs\n", good: "good" });
  for (const text of ["1", "2"]) {
    const pointer = standin.lfs.put(text);
    standin.lfs.spoil(pointer, null);
    await standin.commit(repo, "main", { files: { "a.bin": pointer } });
    await post(world, repo, "refresh?wait=30s");
  }
  await untilState(world, "acme/app", ({ lastError }) => lastError?.code === "lfs_missing");
  await prune(world, repo.id, () => true);
  writeFileSync(join(realpathSync(link()), "good"), "edited");
  await repaired(world, link());
});

test.each([
  ["deleted", (mirror: string) => rmSync(mirror, { recursive: true }), {}],
  ["rebuilt with another depth", () => {}, { CHECKOUTS: "acme/*?depth=3" }],
])(
  "a mirror that is %s while later commits are refused costs one clone, not one per refresh",
  async (_, act, env) => {
    const { world, repo, standin, link } = await refused({ CHECKOUTS: "acme/*?depth=1" });
    await world.stop();
    for (let n = 0; n < 4; n++) await standin.commit(repo, "main", { files: { veto: `more ${n}` } });
    act(realpathSync(world.mirror(repo)));
    const from = world.log.length;
    await world.start(env);
    await world.line(({ result }) => result === "cloned", from);
    const { state, lastError } = await untilState(
      world,
      "acme/app",
      ({ queued, running }) => !queued && !running,
    );
    expect([state, lastError]).toEqual(["fresh", null]);
    expect(world.log.slice(from).filter(({ result }) => result === "cloned")).toHaveLength(1);
    expect(world.log.slice(from).filter(({ event }) => /^(?:refresh|publish)_failed$/.test(event))).toEqual(
      [],
    );
    expect(readFileSync(join(link(), "good"), "utf8")).toBe("good");
  },
);

test("a new depth keeps the published commit, without its history", async () => {
  const { world, repo, link, good } = await refused({ CHECKOUTS: "acme/*?depth=1" });
  await world.stop();
  await world.start({ CHECKOUTS: "acme/*?depth=2" });
  const count = () => plainGit(world.mirror(repo), "rev-list", "--count", "main");
  await untilState(world, "acme/app", ({ queued, running }) => !queued && !running && count() === "2");
  expect(objectsOf(world.mirror(repo))).toContain(good);
  plainGit(world.mirror(repo), "fsck", "--strict");
  writeFileSync(join(realpathSync(link()), "good"), "edited");
  await repaired(world, link());
});

test("a tree that cannot be checked does not block the checks of others", async () => {
  const { world, repo, standin, link } = await published();
  const other = await standin.createRepository("acme", "other");
  world.sweep();
  await world.inStep(other);
  await untilState(world, "acme/other", ({ checkouts }) => checkouts?.length === 1);
  const sha = plainGit(world.mirror(repo), "rev-parse", "main");
  await world.stop();
  rmSync(join(world.dataDir, "repos", String(repo.id), "mirror.git", "objects", sha.slice(0, 2)), {
    recursive: true,
    force: true,
  });
  const packs = join(world.dataDir, "repos", String(repo.id), "mirror.git", "objects/pack");
  rmSync(packs, { recursive: true });
  await world.start();
  writeFileSync(join(realpathSync(link("other")), "edited"), "1");
  await untilState(
    world,
    "acme/other",
    () => !existsSync(join(link("other"), "edited")),
    () => world.sweep(),
  );
  expect(world.log.some(({ event }) => event === "tree_check_failed")).toBe(true);
});
