import { once } from "node:events";
import Database from "libsql";
import { expect, test } from "vitest";
import { passed, type Shown, stateOf, untilState } from "../support/state.js";
import { World } from "../support/world.js";

const PAST_MS = 30 * 86_400_000;
const atRest = ({ queued, running }: Shown) => !queued && !running;

async function acme(env: Record<string, string> = {}) {
  const world = await World.create(env);
  const repo = await world.standin.createRepository("acme", "app");
  const other = await world.standin.createRepository("acme", "other");
  await world.start(repo, other);
  await passed(world);
  return { world, repo, installation: repo.installation! };
}

type Acme = Awaited<ReturnType<typeof acme>>;

/** A push from before the removal arrives while GitHub's API fails once. */
async function failOnce({ world, repo }: Acme, late: Parameters<World["pushed"]>[0]): Promise<void> {
  world.standin.faults.restStatus = { status: 503, times: 1, path: `/repositories/${repo.id}` };
  const from = world.log.length;
  await world.pushed(late);
  await world.line(({ event, repository }) => event === "refresh_failed" && repository === "acme/app", from);
}

test.each([true, false])("gone (private: %s), and GitHub's API fails: it stays gone", async (isPrivate) => {
  const set = await acme();
  const { world, repo } = set;
  world.standin.setPrivate(repo, isPrivate);
  const late = await world.standin.commit(repo, "main");
  world.standin.removeRepository(repo);
  await passed(world);
  const before = await stateOf(world, "acme/app");
  expect(before.state).toBe("gone");
  const had = world.tips(repo);
  await failOnce(set, late);
  const failed = await stateOf(world, "acme/app");
  expect(failed).toMatchObject({ state: "gone", goneAt: before.goneAt, queued: true });
  const from = world.log.length;
  const retried = await untilState(world, "acme/app", atRest);
  expect(retried).toMatchObject({ state: "gone", goneAt: before.goneAt });
  expect(world.log.slice(from).filter(({ trigger }) => trigger === "push")).toMatchObject([
    { event: "refreshed", result: "skipped" },
  ]);
  expect(world.tips(repo)).toEqual(had);
});

test("retired, and GitHub's API fails: it stays retired", async () => {
  const set = await acme({ RETIRE_AFTER: "1s" });
  const { world, repo } = set;
  const late = await world.standin.commit(repo, "main");
  world.standin.removeRepository(repo);
  await untilState(
    world,
    "acme/app",
    ({ state }) => state === "retired",
    () => world.sweep(),
  );
  await failOnce(set, late);
  expect((await stateOf(world, "acme/app")).state).toBe("retired");
  expect((await untilState(world, "acme/app", atRest)).state).toBe("retired");
});

test("removed while its refresh times out: it stays gone", async () => {
  const { world, repo } = await acme({ FETCH_TIMEOUT: "2s" });
  world.standin.setPrivate(repo, false);
  world.standin.faults.hangGit = true;
  const from = world.log.length;
  const asked = once(world.standin, "git-start");
  await world.api("/api/v1/repos/acme/app/refresh", { method: "POST" });
  await asked;
  world.standin.removeRepository(repo);
  world.sweep();
  const { goneAt } = await untilState(world, "acme/app", ({ state }) => state === "gone");
  await world.line(({ event, repository }) => event === "refresh_failed" && repository === "acme/app", from);
  expect(await stateOf(world, "acme/app")).toMatchObject({ state: "gone", goneAt, queued: true });
  world.standin.faults.hangGit = false;
  expect(await untilState(world, "acme/app", atRest)).toMatchObject({ state: "gone", goneAt });
});

test("given back after such a failure: RETIRE_AFTER counts from the next removal", async () => {
  const set = await acme({ RETIRE_AFTER: "7d" });
  const { world, repo, installation } = set;
  const late = await world.standin.commit(repo, "main");
  world.standin.removeRepository(repo);
  await passed(world);
  await failOnce(set, late);
  world.standin.addRepository(repo, installation);
  world.sweep();
  const back = await untilState(world, "acme/app", (it) => it.state === "fresh" && atRest(it));
  expect(back).toMatchObject({ goneAt: null, retiresAt: null });
});

test("managed with the time of an old removal: the next one does not delete it", async () => {
  const { world, repo } = await acme({ RETIRE_AFTER: "7d" });
  await world.stop();
  const db = new Database(`${world.dataDir}/lockstep.db`);
  const goneAt = Date.now() - PAST_MS;
  db.exec(`UPDATE repositories SET added_at = ${goneAt}, gone_at = ${goneAt}`);
  db.close();
  await world.start();
  await passed(world);
  world.standin.removeRepository(repo);
  for (let pass = 0; pass < 2; pass++) await passed(world);
  const gone = await stateOf(world, "acme/app");
  expect(gone.state).toBe("gone");
  expect(Date.parse(gone.goneAt)).toBeGreaterThan(Date.now() - 60_000);
  expect(world.tips(repo)).not.toEqual({});
});
