import { execFileSync } from "node:child_process";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { smallDisk } from "../support/small-disk.js";
import { stateOf, statusOf, untilState } from "../support/state.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

const post = (world: World, path: string) => world.api(path, { method: "POST" });
const problems = async (world: World) => {
  const { problems: found } = await statusOf(world);
  return found.map(({ code }: { code: string }) => code);
};

async function acme(env: Record<string, string> = {}, dataDir = tempDir()) {
  const world = await World.create(env, dataDir);
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await untilState(world, "acme/app", ({ state }) => state === "fresh");
  return { world, repo };
}

test("a paused repository stays unchanged; what arrived meanwhile is refreshed on resume", async () => {
  const { world, repo } = await acme();
  const before = world.tips(repo);
  expect((await post(world, "/api/v1/repos/acme/app/pause")).status).toBe(200);
  await world.pushed(await world.standin.commit(repo, "main"));
  world.sweep();
  await world.line(({ event, code }) => event === "refresh_deferred" && code === "paused");
  expect(world.tips(repo)).toEqual(before);
  expect(await stateOf(world, "acme/app")).toMatchObject({ state: "paused", lastError: null });
  expect((await post(world, "/api/v1/repos/acme/app/refresh")).status).toBe(409);
  await world.stop();
  await world.start();
  expect((await stateOf(world, "acme/app")).state).toBe("paused");
  expect((await statusOf(world)).repositories).toEqual({ paused: 1 });
  expect((await post(world, "/api/v1/repos/acme/app/resume")).status).toBe(202);
  await world.inStep(repo);
  await untilState(world, "acme/app", ({ state }) => state === "fresh");
  expect((await post(world, "/api/v1/repos/acme/app/resume")).status).toBe(409);
});

test("with too little free disk nothing is cloned, refreshes continue, and cloning resumes on its own", async (context) => {
  // What other tests write meanwhile must not count.
  const dir = smallDisk("2g");
  if (dir === null) return context.skip("a small file system cannot be mounted here: run the tests as root");
  const filler = join(dir, "filler");
  const { world, repo } = await acme({ MIN_FREE_DISK: "1400MiB" }, join(dir, "data"));
  execFileSync("fallocate", ["-l", "800MiB", filler]);
  // The disk is looked at every second, and a small clone is faster.
  await expect.poll(async () => (await statusOf(world)).disk.low).toBe(true);
  const fresh = await world.standin.createRepository("acme", "later");
  world.sweep();
  const shown = await untilState(world, "acme/later", ({ lastError }) => Boolean(lastError));
  expect(shown).toMatchObject({ state: "onboarding", lastError: { code: "disk_low" } });
  expect((await world.api("/freshz")).status).toBe(503);
  expect(await problems(world)).toEqual(["disk_low"]);
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  truncateSync(filler, 0);
  await world.inStep(fresh);
  expect(await problems(world)).toEqual([]);
});

test("when GitHub cannot be reached, the backstop reports it at once, and its end", async () => {
  const { world } = await acme();
  await world.standin.down();
  world.sweep();
  await world.line(({ event, code }) => event === "problem_opened" && code === "backstop_failing");
  expect((await world.api("/freshz")).status).toBe(503);
  expect(await problems(world)).toContain("backstop_failing");
  await world.standin.up();
  await world.line(({ event, code }) => event === "problem_closed" && code === "backstop_failing");
});

test("when the primary limit is exhausted, no call is made until its reset, and the status shows it", async () => {
  const { world } = await acme();
  world.standin.limits.windowMs = 3_000;
  world.standin.limits.reset();
  world.standin.limits.app = 0;
  world.sweep();
  await world.line(({ event, code }) => event === "refresh_failed" && code === "rate_limited");
  const calls = world.standin.calls.length;
  world.sweep();
  const { github } = await statusOf(world);
  expect(github.limits.find(({ whose }: { whose: string }) => whose === "app")).toMatchObject({
    remaining: 0,
    heldUntil: expect.any(String),
  });
  expect(world.standin.calls.length).toBe(calls);
  world.standin.limits.app = 5_000;
  await world.line(({ event, code }) => event === "problem_closed" && code === "backstop_failing");
});

test("refs/pull/N/head: kept by the full comparison, and fetched at once by a pull_request delivery", async () => {
  const world = await World.create({ REFSPECS: "refs/heads/*,refs/tags/*,refs/notes/*,refs/pull/*/head" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.standin.writeRef(repo, "refs/notes/commits");
  await world.start(repo);
  const opened = await world.standin.openPullRequest(repo);
  const to = { to: `${world.url}/api/github/webhooks` };
  await world.standin.deliverEvent(
    "pull_request",
    world.standin.eventFor("pull_request", "opened", opened),
    to,
  );
  await world.inStep(repo);
  const updated = await world.standin.updatePullRequest(opened, { force: true });
  const moved = world.standin.eventFor("pull_request", "synchronize", updated);
  await world.standin.deliverEvent("pull_request", moved, to);
  await world.inStep(repo);
  const ways = world.refreshes().map(({ way }) => way);
  expect(ways).toEqual(["clone", "name", "name"]);
  await world.standin.writeRef(repo, "refs/notes/commits");
  await post(world, "/api/v1/repos/acme/app/refresh?wait=30s");
  await world.inStep(repo);
  const closed = world.standin.closePullRequest(updated);
  const answer = await world.standin.deliverEvent(
    "pull_request",
    world.standin.eventFor("pull_request", "closed", closed),
    to,
  );
  expect(answer.status).toBe(204);
});

test("a changed REFSPECS has every repository compared at the next start", async () => {
  const { world, repo } = await acme();
  await world.standin.writeRef(repo, "refs/notes/commits");
  await world.stop();
  await world.start({ REFSPECS: "refs/heads/*,refs/notes/*" });
  await world.inStep(repo);
  await world.stop();
  await world.start({ REFSPECS: "refs/heads/*" });
  world.sweep();
  const tips = () => Object.keys(world.tips(repo));
  while (tips().join() !== "refs/heads/main") await world.nextLine();
});

test("a repository that keeps failing makes /freshz fail long before its proof is old", async () => {
  const { world, repo } = await acme();
  world.standin.faults.gitStatus = { status: 503, times: 1_000 };
  await world.pushed(await world.standin.commit(repo, "main"));
  await untilState(world, "acme/app", ({ lastError }) => (lastError?.attempt ?? 0) >= 4);
  const fresh = await world.api("/freshz");
  expect(fresh.status).toBe(503);
  expect(await fresh.json()).toMatchObject({
    repositories: [{ repository: "acme/app", reason: "failing: upstream_error" }],
  });
});
