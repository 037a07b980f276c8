import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type TestContext, test } from "vitest";
import { RESERVE_BYTES } from "../../src/machine/reserve.js";
import { loopDisk, mountLoop, take } from "../support/small-disk.js";
import { statusOf } from "../support/state.js";
import type { LogLine } from "../support/world.js";
import { World } from "../support/world.js";

const NO_MOUNT = "a small file system cannot be mounted here: run the tests as root";
const MIB = 2 ** 20;

const freshz = async (world: World) => (await (await world.api("/freshz")).json()) as object;
const readyz = async (world: World) => {
  const answer = await world.api("/readyz");
  return { status: answer.status, body: (await answer.json()) as object };
};
const codesOf = async (world: World) =>
  (await statusOf(world)).problems.map(({ code }: { code: string }) => code);
const isEvent = (event: string) => (line: LogLine) => line.event === event;

/** A Lockstep with a repository in step, on a disk of its own that has the reserve. */
async function setUp(context: TestContext, dir: string | null) {
  if (dir === null) return context.skip(NO_MOUNT);
  const world = await World.create({ MIN_FREE_DISK: "0" }, join(dir, "data"));
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await world.line(isEvent("reserve_made"));
  return { dir, world, repo, reserve: join(world.dataDir, "reserve") };
}

/** A pack of more than a megabyte, which a slow line brings in more than a minute. */
const manyFiles = () =>
  Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`f${n}`, randomBytes(4_096).toString("base64")]));
const leftovers = (objects: string) =>
  (readdirSync(objects, { recursive: true }) as string[]).filter((path) => /tmp_|\.lock$/.test(path));

test("a disk that fills up ends a fetch and clears it, still takes deliveries, and recovers by itself", async (context) => {
  const { dir, world, repo, reserve } = await setUp(context, loopDisk(600 * MIB));
  const { blocks, size } = statSync(reserve);
  expect([size, blocks * 512 >= RESERVE_BYTES]).toEqual([RESERVE_BYTES, true]);
  const objects = join(world.mirror(repo), "objects");

  world.standin.faults.slowLine = { bytes: 2_000, everyMs: 100 };
  await world.pushed(await world.standin.commit(repo, "main", { files: manyFiles() }));
  await expect.poll(() => leftovers(objects)).not.toEqual([]);
  const since = world.log.length;
  const free = take(dir);
  await world.line(isEvent("reserve_released"), since);
  expect(leftovers(objects)).toEqual([]);
  expect(existsSync(reserve)).toBe(false);

  world.standin.faults.slowLine = null;
  const refreshes = world.refreshes().length;
  await world.pushed(await world.standin.commit(repo, "main"), await world.standin.commit(repo, "other"));
  await expect.poll(() => codesOf(world)).toContain("disk_full");
  const { fresh, state, disk, queue } = await statusOf(world);
  expect([fresh, state]).toEqual([false, "stale"]);
  expect(disk).toMatchObject({
    low: true,
    reserve: false,
    full: { path: world.dataDir, lacks: "space", stops: ["refresh", "publish"] },
  });
  expect(queue.depth).toBeGreaterThan(0);
  expect(await readyz(world)).toMatchObject({
    status: 200,
    body: { status: "ok", reason: expect.stringContaining(world.dataDir) },
  });
  expect(await (await world.api("/metrics")).text()).toContain('lockstep_disk_full{work="refresh"} 1');
  expect(world.refreshes()).toHaveLength(refreshes);

  free();
  await world.inStep(repo);
  await world.line(isEvent("reserve_made"), since);
  expect(statSync(reserve).size).toBe(RESERVE_BYTES);
  await expect.poll(() => freshz(world)).toMatchObject({ status: "fresh", problems: [] });
});

test("a disk below the floor ends a clone, which begins again once there is room", async (context) => {
  const dir = loopDisk(600 * MIB);
  if (dir === null) return context.skip(NO_MOUNT);
  const world = await World.create({ MIN_FREE_DISK: "0" }, join(dir, "data"));
  const repo = await world.standin.createRepository("acme", "app");
  await world.standin.commit(repo, "main", { files: manyFiles() });
  world.standin.faults.slowLine = { bytes: 2_000, everyMs: 100 };
  await world.start();
  const repos = join(world.dataDir, "repos");
  await expect.poll(() => leftovers(repos)).not.toEqual([]);
  const free = take(dir, 200 * MIB);
  expect(await world.line(isEvent("refresh_failed"))).toMatchObject({ code: "disk_full" });
  await expect.poll(() => leftovers(repos)).toEqual([]);
  world.standin.faults.slowLine = null;
  free();
  await world.inStep(repo);
});

test("few inodes hold fetches, too, and the reserve stays while the database has space", async (context) => {
  const { dir, world, repo } = await setUp(context, loopDisk(600 * MIB, "-N", "12000"));
  const since = world.log.length;
  mkdirSync(join(dir, "many"));
  for (let n = 0; n < 3_000; n++) writeFileSync(join(dir, "many", String(n)), "");
  await expect.poll(() => codesOf(world)).toContain("disk_full");
  expect((await statusOf(world)).disk).toMatchObject({ full: { lacks: "files" }, reserve: true });
  const refreshes = world.refreshes().length;
  await world.pushed(await world.standin.commit(repo, "main"));
  await expect.poll(async () => (await statusOf(world)).queue.depth).toBe(1);
  expect(world.refreshes()).toHaveLength(refreshes);
  rmSync(join(dir, "many"), { recursive: true });
  await world.inStep(repo);
  await world.line(isEvent("problem_closed"), since);
});

test("a full disk of the published trees' links holds publishes alone", async (context) => {
  const world = await World.create({ MIN_FREE_DISK: "0", CHECKOUTS: "acme/*" });
  const dir = mountLoop(join(world.dataDir, "checkouts"), 600 * MIB);
  if (dir === null) return context.skip(NO_MOUNT);
  const repo = await world.standin.createRepository("acme", "app");
  const free = take(dir, 100 * MIB);
  await world.start(repo);
  expect((await statusOf(world)).disk).toMatchObject({
    full: { path: join(world.dataDir, "checkouts"), lacks: "space", stops: ["publish"] },
  });
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  expect(world.log.filter(isEvent("published"))).toEqual([]);
  free();
  await world.line(isEvent("published"));
});
