import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { expect, test } from "vitest";
import { expectTree, published } from "../support/published.js";
import { passed, stateOf, untilState } from "../support/state.js";
import { World } from "../support/world.js";

/** Starts Lockstep with one repository that no pass would refresh by itself. */
async function settled() {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  repo.pushedAt -= 60;
  await world.start(repo);
  await untilState(
    world,
    "acme/app",
    ({ state, queued, running }) => state === "fresh" && !queued && !running,
  );
  return { world, repo, repos: join(world.dataDir, "repos") };
}

const isAtRest = ({ state, queued, running }: { state: string; queued: boolean; running: boolean }) =>
  state === "fresh" && !queued && !running;

test("a mirror that someone took away is not called fresh, and is cloned by the next pass", async () => {
  const { world, repo, repos } = await settled();
  rmSync(join(repos, String(repo.id)), { recursive: true });
  world.sweep();
  await world.line(({ event }) => event === "mirror_missing");
  await world.inStep(repo);
  expect(await untilState(world, "acme/app", isAtRest)).toMatchObject({ state: "fresh" });
});

test("from lockstep.db alone every repository is cloned", async () => {
  const { world, repo, repos } = await settled();
  await world.stop();
  rmSync(repos, { recursive: true });
  rmSync(join(world.dataDir, "mirrors"), { recursive: true });
  await world.start();
  expect((await stateOf(world, "acme/app")).state).not.toBe("fresh");
  await world.inStep(repo);
  await untilState(world, "acme/app", isAtRest);
});

/** Stops with a copy of the mirrors, and continues to a push that the copy does not have. */
async function copied({ world, repo, repos }: Awaited<ReturnType<typeof settled>>): Promise<void> {
  await world.stop();
  cpSync(repos, `${repos}.old`, { recursive: true, verbatimSymlinks: true });
  await world.start();
  const push = await world.standin.commit(repo, "main");
  repo.pushedAt -= 60;
  await world.pushed(push);
  await world.inStep(repo);
}

test("mirrors that are older than the database, or newer, are compared at the start", async () => {
  const setup = await settled();
  const { world, repo, repos } = setup;
  await copied(setup);
  await passed(world);
  await untilState(world, "acme/app", isAtRest);
  await world.stop();
  rmSync(repos, { recursive: true });
  renameSync(`${repos}.old`, repos);
  const from = world.log.length;
  await world.start();
  await world.line(({ event }) => event === "mirrors_from_other_time", from);
  await world.inStep(repo);
  await untilState(world, "acme/app", isAtRest);
});

test("mirrors of the previous pass are distinguished from the current ones", async () => {
  const setup = await settled();
  const { world, repo, repos } = setup;
  await passed(world);
  await copied(setup);
  await world.api("/api/v1/repos/acme/app/refresh?wait=30s", { method: "POST" });
  await untilState(world, "acme/app", isAtRest);
  await world.stop();
  rmSync(repos, { recursive: true });
  renameSync(`${repos}.old`, repos);
  const from = world.log.length;
  await world.start();
  await passed(world);
  expect(world.log.slice(from).filter(({ event }) => event === "mirrors_from_other_time")).toHaveLength(1);
  await world.inStep(repo);
});

test("an ordinary restart compares nothing again", async () => {
  const { world, repo } = await settled();
  await passed(world);
  await world.stop();
  const runs = world.refreshes().length;
  await world.start();
  await passed(world);
  expect(world.refreshes()).toHaveLength(runs);
  expect(world.log.filter(({ event }) => event === "mirrors_from_other_time")).toEqual([]);
  expect(existsSync(world.mirror(repo))).toBe(true);
});

const DATABASE = ["lockstep.db", "lockstep.db-wal", "lockstep.db-shm"];

/** Returns the repository whose mirror a name leads to. */
function idAt(world: World, fullName: string): number | null {
  const link = join(world.dataDir, "mirrors", `${fullName}.git`);
  return existsSync(link) ? Number(readlinkSync(link).split("/").at(-2)) : null;
}

test("an older database moves no link until GitHub has confirmed the names", async () => {
  const { world, repo } = await settled();
  const file = join(world.dataDir, "lockstep.db");
  await world.stop();
  const db = new Database(file);
  db.exec(`VACUUM INTO '${file}.old'`);
  db.close();
  await world.start();
  world.standin.renameRepository(repo, "site");
  const taker = await world.standin.createRepository("acme", "app");
  await passed(world);
  await untilState(world, "acme/app", (it) => it.id === taker.id && isAtRest(it));
  await world.stop();
  for (const name of DATABASE) rmSync(join(world.dataDir, name), { force: true });
  copyFileSync(`${file}.old`, file);
  world.standin.faults.restStatus = { status: 503, times: 1_000 };
  for (let start = 0; start < 2; start++) {
    const from = world.log.length;
    await world.start();
    await world.line(({ event, subject }) => event === "refresh_failed" && subject !== undefined, from);
    expect(idAt(world, "acme/app")).toBe(taker.id);
    expect(idAt(world, "acme/site")).toBe(repo.id);
    await world.stop();
  }
  world.standin.faults.restStatus = undefined;
  rmSync(join(world.dataDir, "mirrors"), { recursive: true });
  await world.start();
  await untilState(world, "acme/site", (it) => it.id === repo.id && isAtRest(it));
  await untilState(world, "acme/app", (it) => it.id === taker.id && isAtRest(it));
  expect([idAt(world, "acme/site"), idAt(world, "acme/app")]).toEqual([repo.id, taker.id]);
});

test("with an older database, a tree that it does not know is shown until another one is published", async () => {
  const { world, repo, link, push } = await published();
  await push({ a: "1" });
  await world.stop();
  const file = join(world.dataDir, "lockstep.db");
  const db = new Database(file);
  db.exec(`VACUUM INTO '${file}.old'`);
  db.close();
  await world.start();
  await push({ a: "2" });
  const last = await push({ a: "3" });
  await world.stop();
  for (const name of DATABASE) rmSync(join(world.dataDir, name), { force: true });
  copyFileSync(`${file}.old`, file);
  const tree = realpathSync(link());
  world.standin.faults.restStatus = { status: 503, times: 1_000 };
  const from = world.log.length;
  await world.start();
  await world.line(({ event, subject }) => event === "refresh_failed" && subject !== undefined, from);
  expect(readFileSync(join(link(), "a"), "utf8")).toBe("3");
  world.standin.faults.restStatus = undefined;
  world.sweep();
  await untilState(world, "acme/app", (it) => it.state === "fresh" && it.checkouts[0].commit === last);
  expectTree(world, repo, link(), last);
  // Readers may hold the tree for the grace period and longer, since the start of the hold is unknown.
  expect(readFileSync(join(tree, "a"), "utf8")).toBe("3");
});

test("without lockstep.db no link is removed while GitHub's log has ids alone", async () => {
  const { world, repo } = await settled();
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  await world.stop();
  for (const name of DATABASE) rmSync(join(world.dataDir, name), { force: true });
  world.standin.faults.restStatus = { status: 503, times: 1_000, path: "/repositories" };
  await world.start();
  world.sweep();
  await world.line(({ event }) => event === "deliveries_recovered");
  const from = world.log.length;
  world.sweep();
  await world.line(({ event, subject }) => event === "refresh_failed" && subject !== undefined, from);
  expect(idAt(world, "acme/app")).toBe(repo.id);
  expect(readdirSync(join(world.dataDir, "mirrors"))).toEqual(["acme"]);
  world.standin.faults.restStatus = undefined;
  world.sweep();
  await untilState(world, "acme/app", isAtRest);
  expect(idAt(world, "acme/app")).toBe(repo.id);
  expect(readdirSync(join(world.dataDir, "mirrors"))).toEqual(["acme"]);
});

test("where the tally cannot be written passes and starts go on, and a warning is logged", async () => {
  const { world, repo, repos } = await settled();
  const tally = join(repos, ".tally");
  rmSync(tally);
  mkdirSync(tally);
  const warned = (from: number) =>
    world.line(({ event, path }) => event === "tally_not_written" && path === tally, from);
  let from = world.log.length;
  await world.standin.deliver(await world.standin.commit(repo, "main"), {});
  await passed(world);
  await warned(from);
  await world.line(({ event }) => event === "deliveries_recovered", from);
  await world.inStep(repo);
  await world.stop();
  from = world.log.length;
  await world.start();
  await warned(from);
  await world.line(({ event }) => event === "mirrors_from_other_time", from);
  await untilState(world, "acme/app", isAtRest);
  rmSync(tally, { recursive: true });
  await passed(world);
  expect(readFileSync(tally, "utf8")).toMatch(/^[0-9a-f]+\n$/);
});
