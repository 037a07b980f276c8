import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plainGit } from "../support/git.js";
import { worldWith } from "../support/history.js";
import { World } from "../support/world.js";

const failedWith = (code: string) => (line: { event: string; code?: unknown }) =>
  line.event === "refresh_failed" && line.code === code;

test("a token that is refused once after minting is renewed, unseen by git", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  world.standin.faults.refuseTokens = 1;
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
});

test("GitHub is down for a while: the push arrives when it is back", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const push = await world.standin.commit(repo, "main");
  await world.standin.down();
  await world.pushed(push);
  await world.line(failedWith("unreachable"));
  expect(await state(world, "app")).toMatchObject({ state: "failing", lastError: { code: "unreachable" } });
  await world.standin.up();
  await world.inStep(repo);
  expect(await state(world, "app")).toMatchObject({ state: "fresh", lastError: null });
});

test("an answer that breaks off halfway changes nothing and is asked again", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  world.standin.faults.truncate = 40;
  // A connection that is reset before the answer's head has been read is asked again at once.
  world.standin.faults.truncateTimes = 2;
  const push = await world.standin.commit(repo, "main");
  await world.pushed(push);
  await world.line(failedWith("unreachable"));
  expect(world.tips(repo)["refs/heads/main"]).toBe(push.before);
  await world.inStep(repo);
});

test("one odd answer of GitHub's is asked again at once, from the advertisement on", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo, { DIRECT_FETCH: "no" });
  world.standin.faults.gitStatus = { status: 500, times: 1 };
  world.standin.clearCounters();
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
  expect(world.standin.gitRequests.some(({ protocol }) => protocol === "advert")).toBe(true);
});

test("one odd answer is no failure where git does not fetch", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  world.standin.faults.gitStatus = { status: 500, times: 1 };
  world.standin.clearCounters();
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
  expect(world.standin.gitRequests.map(({ status }) => status)).toContain(500);
});

test("GitHub's Retry-After is kept", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  world.standin.faults.gitStatus = { status: 429, headers: { "retry-after": "2" }, times: 1 };
  await world.pushed(await world.standin.commit(repo, "main"));
  const line = await world.line(failedWith("rate_limited"));
  expect(line.retryInMs).toBeGreaterThan(1_900);
  await world.inStep(repo);
});

test("a git that GitHub leaves hanging is ended in time", async () => {
  const world = await World.create({ FETCH_TIMEOUT: "1s" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  world.standin.faults.hangGit = true;
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.line(failedWith("timeout"));
  world.standin.faults.hangGit = false;
  await world.inStep(repo);
  expect(readdirSync(join(world.dataDir, "run"))).toEqual([]);
});

test("a fetch over a slow line may take longer than FETCH_TIMEOUT, as long as it goes on", async () => {
  const world = await World.create({ FETCH_TIMEOUT: "2s" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const noise = randomBytes(20_000).toString("base64");
  const push = await world.standin.commit(repo, "main", { files: { noise } });
  world.standin.faults.slowLine = { bytes: 1_000, everyMs: 200 };
  const from = world.log.length;
  await world.pushed(push);
  const line = await world.line(({ event }) => /^refresh/.test(event), from);
  expect(line).toMatchObject({ event: "refreshed", changed: 1 });
  expect(line.durationMs).toBeGreaterThan(2_500);
});

test("a repository that was renamed unseen is found by its id", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "old-name");
  await world.start(repo);
  const push = await world.standin.commit(repo, "main");
  world.standin.renameRepository(repo, "new-name");
  await world.pushed(push);
  await world.inStep(repo);
  expect(existsSync(join(world.dataDir, "mirrors/acme/old-name.git"))).toBe(false);
  expect(world.refreshes().filter(({ result }) => result === "cloned")).toHaveLength(1);
});

test.each([
  ["its HEAD is gone", (dir: string) => rmSync(join(dir, "HEAD"))],
  ["its config is garbage", (dir: string) => writeFileSync(join(dir, "config"), "[core\n")],
  ["it is another repository's", (dir: string) => editMarker(dir)],
  ["an object is cut short", (dir: string) => cutObjects(dir)],
  ["its objects are gone", (dir: string) => rmSync(join(dir, "objects"), { recursive: true })],
])("a damaged mirror is cloned again: %s", async (_, damage) => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  damage(join(world.dataDir, "repos", String(repo.id), "mirror.git"));
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.line(
    ({ event, result, trigger }) => event === "refreshed" && result === "cloned" && trigger === "push",
  );
  await world.inStep(repo);
  plainGit(world.mirror(repo), "fsck", "--strict");
});

test("a mirror that someone moved away is cloned again", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  rmSync(join(world.dataDir, "repos", String(repo.id)), { recursive: true });
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
});

test("what a killed clone or fetch left is cleared at the next start", async () => {
  const world = await World.create({ DIRECT_FETCH: "no" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await world.stop();
  const dir = join(world.dataDir, "repos", String(repo.id));
  mkdirSync(join(dir, "clone-0123456789abcdef/refs"), { recursive: true });
  mkdirSync(join(dir, "scratch.git"), { recursive: true });
  writeFileSync(join(dir, "scratch.git/packed-refs.lock"), "");
  writeFileSync(join(dir, "mirror.git/packed-refs.lock"), "");
  writeFileSync(join(dir, "mirror.git/refs/heads/main.lock"), "");
  await world.standin.commit(repo, "main");
  await world.start(repo);
  expect(readdirSync(dir).filter((name) => !/^m-[0-9a-f]{8}$/.test(name))).toEqual([
    "mirror.git",
    "scratch.git",
  ]);
  expect(readdirSync(join(dir, "scratch.git"))).not.toContain("packed-refs.lock");
});

test("a lock that appears under way is cleared too", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  writeFileSync(join(world.mirror(repo), "refs/heads/main.lock"), "");
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
});

test("an unrelated directory under DATA_DIR is skipped, wherever it is", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  const own = join(world.dataDir, "repos", String(repo.id), "mirror.git");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "precious"), "mine");
  mkdirSync(join(world.dataDir, "notes"));
  const other = await world.standin.createRepository("acme", "other");
  await world.start(other);
  await world.line(failedWith("foreign"));
  expect(readdirSync(own)).toEqual(["precious"]);
  expect(existsSync(join(world.dataDir, "notes"))).toBe(true);
});

test("the next push corrects a mirror whose refs someone changed", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  plainGit(world.mirror(repo), "update-ref", "-d", "refs/heads/main");
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
});

test("a suspended installation pauses its repositories, and only those", async () => {
  const world = await World.create();
  const paused = world.standin.createInstallation("paused");
  const active = world.standin.createInstallation("active");
  const one = await world.standin.createRepository("paused", "one", { installation: paused });
  const two = await world.standin.createRepository("active", "two", { installation: active });
  await world.start(one, two);
  world.standin.suspendInstallation(paused);
  world.sweep();
  await world.line(({ event }) => event === "installation_suspended");
  await world.pushed(await world.standin.commit(one, "main"), await world.standin.commit(two, "main"));
  await world.inStep(two);
  expect(await state(world, "one", "paused")).toMatchObject({ state: "suspended" });
  world.standin.suspendInstallation(paused, false);
  world.sweep();
  await world.inStep(one);
});

async function state(world: World, name: string, owner = "acme"): Promise<unknown> {
  return (await world.api(`/api/v1/repos/${owner}/${name}`)).json();
}

function editMarker(dir: string): void {
  writeFileSync(
    join(dir, "lockstep.json"),
    JSON.stringify({ program: "lockstep", version: 1, repositoryId: 1 }),
  );
}

function cutObjects(dir: string): void {
  for (const folder of readdirSync(join(dir, "objects"))) {
    if (!/^[0-9a-f]{2}$|^pack$/.test(folder)) continue;
    for (const file of readdirSync(join(dir, "objects", folder))) {
      if (!file.endsWith(".idx") && !file.endsWith(".rev"))
        truncateSync(join(dir, "objects", folder, file), 10);
    }
  }
}

test.each([200, 502])(
  "a page of HTML in place of git's answer, with %i, is no answer, and harms no mirror",
  async (status) => {
    const { world, repo, standin } = await worldWith();
    await world.pushed(await standin.commit(repo, "main"));
    await world.inStep(repo);
    const mirror = realpathSync(world.mirror(repo));
    const before = world.tips(repo);
    standin.faults.gitStatus = { status, html: "<html>Sign in</html>", times: 1_000 };
    const from = world.log.length;
    await world.pushed(await standin.commit(repo, "main"));
    const { code } = await world.line(({ event }) => event === "refresh_failed", from);
    expect(code).toBe("upstream_error");
    expect(world.tips(repo)).toEqual(before);
    standin.faults.gitStatus.times = 0;
    await world.inStep(repo);
    expect(realpathSync(world.mirror(repo))).toBe(mirror);
  },
);
