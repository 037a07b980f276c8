import { chmodSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { NewCommit } from "../../tools/standin/commit-object.js";
import type { Repo } from "../../tools/standin/index.js";
import { refreshed as mirrored } from "./history.js";
import { type Shown, stateOf, untilState } from "./state.js";
import { tempDir } from "./temp.js";
import { filesBelow, filesOf } from "./trees.js";
import { type LogLine, World } from "./world.js";

type Files = NonNullable<NewCommit["files"]>;

/** A hook that vetoes every tree with a file called `veto`. */
export function vetoing(): string {
  const path = join(tempDir(), "hook.sh");
  writeFileSync(path, '#!/bin/sh\n[ ! -e "$LOCKSTEP_TREE/veto" ]\n');
  chmodSync(path, 0o755);
  return path;
}

/** Lockstep with one repository, published by default. */
export async function published(env: Record<string, string> = {}) {
  const world = await World.create({ CHECKOUTS: "acme/*", CHECKOUT_GRACE: "1h", ...env });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await untilPublished(world);
  world.standin.strictClock = true;
  for (let ticks = 0; ticks < 3; ticks++) world.standin.world.tick();
  const link = (name = "app") => join(world.dataDir, "checkouts", "acme", name);
  const push = (files: Files, branch = "main") => pushed(world, repo, files, branch);
  return { world, repo, standin: world.standin, link, push };
}

/** Waits until no refresh and no publish of the repository runs or waits. */
export const untilPublished = (world: World, fullName = "acme/app"): Promise<Shown> =>
  untilState(world, fullName, ({ queued, running }) => !queued && !running);

/** Waits for the end of a refresh that a delivery requested, and of the publish after it. */
export async function refreshed(world: World, act: () => Promise<void>): Promise<LogLine> {
  const line = await mirrored(world, act);
  await untilPublished(world, String(line.repository));
  return line;
}

async function pushed(world: World, repo: Repo, files: Files, branch: string) {
  const push = await world.standin.commit(repo, branch, { files });
  await refreshed(world, () => world.pushed(push));
  return push.after;
}

export const checkoutsOf = async (world: World, repo: Repo): Promise<Shown[]> =>
  (await stateOf(world, `${repo.owner}/${repo.name}`)).checkouts;

export const treesOf = (world: World, repo: Repo, slug = "@") => {
  const base = join(world.dataDir, "repos", String(repo.id), "trees", slug);
  return readdirSync(base).filter((name) => /^\d+$/.test(name));
};

export const expectTree = (world: World, repo: Repo, link: string, sha: string) =>
  expect(filesBelow(realpathSync(link))).toEqual(filesOf(world.mirror(repo), sha));
