import { chmodSync, existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLayout } from "../../src/git/layout.js";
import { createUpkeep } from "../../src/git/upkeep.js";
import { objectsOf, plainGit, realGit } from "../support/git.js";
import { never } from "../support/mirror.js";
import { expectComplete } from "../support/partial.js";
import { checkoutsOf, expectTree, published } from "../support/published.js";
import { untilState } from "../support/state.js";
import { tempDir } from "../support/temp.js";
import { ageObjects, DAY_MS } from "../support/wear.js";
import type { World } from "../support/world.js";

/** A hook that refuses every tree with a file called `veto`. */
function vetoing(): string {
  const path = join(tempDir(), "hook.sh");
  writeFileSync(path, '#!/bin/sh\n[ ! -e "$LOCKSTEP_TREE/veto" ]\n');
  chmodSync(path, 0o755);
  return path;
}

async function refused(env: Record<string, string>) {
  const setup = await published({ PRE_PUBLISH_HOOK: vetoing(), ...env });
  const good = await setup.push({ good: "good" });
  for (let n = 0; n < 3; n++) await setup.push({ veto: `${n}` });
  expect((await checkoutsOf(setup.world, setup.repo))[0]).toMatchObject({ commit: good });
  return { ...setup, good };
}

const pinsOf = (mirror: string) => plainGit(mirror, "for-each-ref", "refs/lockstep/published");

/** As weeks of maintenance would. */
async function prune(world: World, id: number): Promise<void> {
  await world.stop();
  const upkeep = createUpkeep({ git: realGit(), layout: createLayout(world.dataDir), timeoutMs: 60_000 });
  await upkeep.tidy(id, never);
  ageObjects(join(world.dataDir, "repos", String(id), "mirror.git"));
  await upkeep.prune(id, DAY_MS, never);
  await world.start();
  await untilState(world, "acme/app", ({ queued, running }) => !queued && !running);
}

/** Until passes have put the published tree right. */
async function repaired(world: World, link: string): Promise<void> {
  const isRight = () => existsSync(link) && readFileSync(join(link, "good"), "utf8") === "good";
  await untilState(world, "acme/app", isRight, () => world.sweep());
}

test.each(["", "?depth=1", "?filter=blob:none", "?filter=blob:none&depth=1"])(
  "what is published stays in the mirror, and is repaired, however long what follows is refused (%s)",
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

test("another depth takes what is published along, without its history", async () => {
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

test("a tree that cannot be checked keeps no other from being checked", async () => {
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
  expect(world.log.some(({ msg }) => msg === "a tree could not be checked")).toBe(true);
});
