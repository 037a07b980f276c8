import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLayout } from "../../src/git/disk/layout.js";
import { createUpkeep } from "../../src/git/mirror/upkeep.js";
import type { Repo } from "../../tools/standin/index.js";
import { isRunning, looseFile, objectsOf, plainGit, realGit, stuckGit } from "../support/git.js";
import { compare } from "../support/history.js";
import { never } from "../support/mirror.js";
import { statusOf } from "../support/state.js";
import { ageObjects, DAY_MS, wearOut, wornSince } from "../support/wear.js";
import { type LogLine, World } from "../support/world.js";

const finished = (task: string) => (line: LogLine) => line.event === "maintenance_done" && line.task === task;
const begins = (task: string) => (line: LogLine) =>
  line.event === "maintenance_started" && line.task === task;
const failures = ({ log }: World) => log.filter(({ event }) => /failed|not_stored/.test(event));

const MONTH_AGO = () => Date.now() - 30 * DAY_MS;

test("after a hundred refreshes a mirror is tidied, without waiting for a pass", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await push(world, repo, "main");
  await world.stop();
  wearOut(world.dataDir, { refreshes: 99 });
  await world.start(repo);
  await push(world, repo, "main");
  expect(await world.line(finished("tidy"))).toMatchObject({ level: "info", repository: "acme/app" });
  expect(plainGit(world.mirror(repo), "count-objects")).toMatch(/^0 objects/);
  await push(world, repo, "main");
  await world.stop();
  expect(world.log.filter(begins("tidy"))).toHaveLength(1);
});

test.each(["mirror", "keep"])(
  "HISTORY=%s: a day after a change the pass tidies, and what is unreachable is pruned in time",
  async (history) => {
    const world = await World.create({ HISTORY: history });
    const repo = await world.standin.createRepository("acme", "app");
    await world.start(repo);
    const lost = await push(world, repo, "feature");
    await world.pushed(await world.standin.deleteRef(repo, "refs/heads/feature"));
    await world.inStep(repo);
    expireKept(world.mirror(repo));
    await atRest(world, repo);
    await world.stop();
    wearOut(world.dataDir, { changed_at: MONTH_AGO() });
    await world.start(repo);
    await compare(world, repo);
    world.sweep();
    await world.line(finished("tidy"));
    await world.stop();
    expect(wornSince(world.dataDir, "unreachable_at")).toBeGreaterThan(MONTH_AGO());
    wearOut(world.dataDir, { unreachable_at: MONTH_AGO() });
    expect(objectsOf(world.mirror(repo))).toContain(lost);
    ageObjects(world.mirror(repo));
    await world.start(repo);
    await compare(world, repo);
    world.sweep();
    await world.line(finished("prune"));
    expect(objectsOf(world.mirror(repo))).not.toContain(lost);
    plainGit(world.mirror(repo), "fsck", "--strict");
  },
);

test("a push stops a running prune, and is mirrored at once", async () => {
  const { world, repo, stuck, lost } = await pruning();
  const child = await stuck.begun();
  // This prune never ends by itself.
  await push(world, repo, "main");
  await world.line(({ event }) => event === "maintenance_yielded");
  expect(isRunning(child)).toBe(false);
  expect(objectsOf(world.mirror(repo))).toContain(lost);
  expect(failures(world)).toEqual([]);
});

test("a branch that returns while its objects are pruned has all of them", async () => {
  const { world, repo, stuck, lost } = await pruning();
  await stuck.begun();
  await world.pushed(await world.standin.createBranch(repo, "feature", lost));
  await world.inStep(repo);
  plainGit(world.mirror(repo), "fsck", "--strict");
  expect(failures(world)).toEqual([]);
});

test("a stop ends a prune, and the next start clears what it left", async () => {
  const { world, repo, stuck } = await pruning({ SHUTDOWN_TIMEOUT: "1h" });
  await stuck.begun();
  await world.stop();
  expect(failures(world)).toEqual([]);
  await world.start(repo);
});

test("refreshes beside tidies that never end do not fail", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app", { manyRefs: 300 });
  await world.start(repo);
  const upkeep = createUpkeep({ git: realGit(), layout: createLayout(world.dataDir), timeoutMs: 60_000 });
  let storming = true;
  const tidying = (async () => {
    let count = 0;
    for (; storming; count++) await upkeep.tidy(repo.id, never);
    return count;
  })();
  for (let round = 0; round < 15; round++) {
    const branches = ["main", `a${round % 3}`, `b${round}`];
    await world.pushed(...(await Promise.all(branches.map((name) => world.standin.commit(repo, name)))));
    if (round % 5 === 4) await world.pushed(await world.standin.deleteRef(repo, `refs/heads/b${round}`));
    await world.inStep(repo);
  }
  storming = false;
  expect(await tidying).toBeGreaterThan(3);
  expect(failures(world)).toEqual([]);
  plainGit(world.mirror(repo), "fsck", "--strict");
});

test("a corrupt mirror is found, and serves until a clone replaces it, even after a restart", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const old = await push(world, repo, "main");
  await push(world, repo, "main");
  await world.stop();
  wearOut(world.dataDir, { seen_at: MONTH_AGO() });
  rmSync(looseFile(world.mirror(repo), plainGit(world.mirror(repo), "rev-parse", `${old}^{tree}`)));
  await world.start(repo);
  const served = world.tips(repo);
  await world.standin.down();
  world.sweep();
  await world.line(({ event }) => event === "mirror_corrupt");
  await world.line(({ event, code }) => event === "refresh_failed" && code === "unreachable");
  expect(world.tips(repo)).toEqual(served);
  await world.stop();
  await world.standin.up();
  const from = world.log.length;
  await world.start(repo);
  await world.line(({ event, result }) => event === "refreshed" && result === "cloned", from);
  expect(existsSync(join(world.mirror(repo), "lockstep-condemned"))).toBe(false);
  plainGit(world.mirror(repo), "fsck", "--strict");
});

test("a check that is interrupted deletes nothing and runs again", async () => {
  const stuck = stuckGit("rev-list");
  const world = await World.create({ GIT_BINARY: stuck.binary });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await atRest(world, repo);
  await world.stop();
  wearOut(world.dataDir, { seen_at: MONTH_AGO() });
  const tip = plainGit(world.mirror(repo), "rev-parse", "main");
  await world.start(repo);
  await compare(world, repo);
  world.sweep();
  await stuck.begun();
  await world.stop();
  expect(existsSync(join(world.mirror(repo), "lockstep-condemned"))).toBe(false);
  expect(plainGit(world.mirror(repo), "rev-parse", "main")).toBe(tip);
  const from = world.log.length;
  await world.start(repo);
  await compare(world, repo);
  world.sweep();
  await world.line(begins("check"), from);
});

test("one task runs at a time, over all mirrors", async () => {
  const world = await World.create();
  const names = ["one", "two", "three", "four"];
  const repos = await Promise.all(names.map((name) => world.standin.createRepository("acme", name)));
  await world.start(...repos);
  for (const repo of repos) await push(world, repo, "main");
  await atRest(world, ...repos);
  await world.stop();
  wearOut(world.dataDir, { changed_at: MONTH_AGO(), seen_at: MONTH_AGO() });
  await world.start(...repos);
  for (const repo of repos) await compare(world, repo);
  world.sweep();
  world.sweep();
  for (const { name } of repos)
    await world.line((line) => finished("check")(line) && line.repository === `acme/${name}`);
  const steps = world.log.filter(({ event }) => /^maintenance_(started|done)/.test(event));
  const lines = steps.map(({ event, repository, task }) => `${event}: ${task} ${repository}`);
  const begun = lines.filter((line) => line.startsWith("maintenance_started"));
  expect(lines).toEqual(begun.flatMap((line) => [line, line.replace("started", "done")]));
  expect(new Set(begun).size).toBe(8);
  expect(begun).toHaveLength(8);
});

test("a gone repository is not maintained", async () => {
  const world = await World.create();
  const gone = await world.standin.createRepository("acme", "gone");
  const stays = await world.standin.createRepository("acme", "stays");
  await world.start(gone, stays);
  world.standin.removeRepository(gone);
  await world.stop();
  wearOut(world.dataDir, { seen_at: MONTH_AGO() });
  await world.start(stays);
  await compare(world, stays);
  world.sweep();
  await world.line((line) => finished("check")(line) && line.repository === "acme/stays");
  await world.line(({ event }) => /repository_(gone|retired)/.test(event));
  const from = world.log.length;
  await world.stop();
  wearOut(world.dataDir, { changed_at: MONTH_AGO() });
  await world.start(stays);
  await compare(world, stays);
  world.sweep();
  await world.line((line) => finished("tidy")(line) && line.repository === "acme/stays", from);
  expect(
    world.log
      .slice(from)
      .filter(({ event, repository }) => /^maintenance/.test(event) && repository === "acme/gone"),
  ).toEqual([]);
});

/** A world whose only mirror is pruned by a git that never ends; `lost` is the commit that it would drop. */
async function pruning(env: Record<string, string> = {}) {
  const stuck = stuckGit("repack");
  const world = await World.create({ GIT_BINARY: stuck.binary, ...env });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const lost = await push(world, repo, "feature");
  await world.pushed(await world.standin.deleteRef(repo, "refs/heads/feature"));
  await world.inStep(repo);
  await atRest(world, repo);
  await world.stop();
  for (const ref of plainGit(
    world.mirror(repo),
    "for-each-ref",
    "--format=%(refname)",
    "refs/lockstep",
  ).split("\n"))
    if (ref) plainGit(world.mirror(repo), "update-ref", "-d", ref);
  ageObjects(world.mirror(repo));
  wearOut(world.dataDir, { unreachable_at: MONTH_AGO() });
  await world.start(repo);
  world.sweep();
  await world.line(begins("prune"));
  return { world, repo, stuck, lost };
}

/** Waits until a pass finds nothing to refresh: GitHub's list shows the last push after a delay. */
async function atRest(world: World, ...repos: Repo[]): Promise<void> {
  const from = world.log.length;
  for (const repo of repos) repo.pushedAt -= 60;
  world.sweep();
  for (const { name } of repos) {
    const settled = { event: "refreshed", way: "full", repository: `acme/${name}` };
    await world.line((line) => Object.entries(settled).every(([key, value]) => line[key] === value), from);
  }
  // A list read meanwhile may have requested one more refresh, which would run at the next start.
  await expect.poll(async () => (await statusOf(world)).queue.depth).toBe(0);
}

/** Kept tips carry the time in their names. */
function expireKept(mirror: string): void {
  const kept = plainGit(mirror, "for-each-ref", "--format=%(refname) %(objectname)", "refs/lockstep");
  for (const line of kept.split("\n").filter(Boolean)) {
    const [name = "", sha = ""] = line.split(" ");
    plainGit(mirror, "update-ref", name.replace(/\d{13}/, String(Date.now() - 60 * DAY_MS)), sha);
    plainGit(mirror, "update-ref", "-d", name);
  }
}

/** Commits, and waits until the mirror has the commit. @returns the commit */
async function push(world: World, repo: Repo, branch: string): Promise<string> {
  const { after, ...push } = await world.standin.commit(repo, branch);
  await world.pushed({ after, ...push });
  await world.inStep(repo);
  return after;
}
