import { expect, test } from "vitest";
import type { Push, Repo } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import { compare, force, refreshed, shown, worldWith } from "../support/history.js";
import type { World } from "../support/world.js";

const MAIN = "refs/heads/main";

/** GitHub's clock stands still, so each push is in the second of the last one and is asked for by name. */
async function inOneSecond() {
  const { world, repo } = await worldWith();
  world.standin.strictClock = false;
  await refreshed(world, async () => world.pushed(await world.standin.commit(repo, "main")));
  return { world, repo };
}

/** The requests of one delivery's refresh: those of git and REST calls about the repository. */
async function requestsOf(world: World, push: Push) {
  const { standin } = world;
  standin.gitRequests.length = 0;
  standin.calls.length = 0;
  const line = await refreshed(world, () => world.pushed(push));
  const rest = standin.calls.filter(({ path }) => path.includes("/repositories/"));
  return {
    way: line.way,
    git: standin.gitRequests.map(({ protocol }) => protocol).sort(),
    rest: rest.length,
  };
}

const missing = (world: World, repo: Repo, sha: string) =>
  !plainGit(world.mirror(repo), "cat-file", "--batch-check", "--batch-all-objects").includes(sha);

test("what a delivery reported and GitHub confirms needs two requests at once, and no REST call", async () => {
  const { world, repo } = await inOneSecond();
  const push = await world.standin.commit(repo, "main");
  expect(await requestsOf(world, push)).toEqual({ way: "name", git: ["fetch", "ls-refs"], rest: 0 });
  expect(world.tips(repo)[MAIN]).toBe(push.after);
});

test("another answer counts once the name is confirmed, and costs a second fetch", async () => {
  const { world, repo } = await inOneSecond();
  const first = await world.standin.commit(repo, "main");
  const second = await world.standin.commit(repo, "main");
  expect(await requestsOf(world, first)).toEqual({
    way: "name",
    git: ["fetch", "fetch", "ls-refs"],
    rest: 1,
  });
  expect(world.tips(repo)[MAIN]).toBe(second.after);
});

test("what a late delivery reports is not fetched once a later state was read", async () => {
  const { world, repo } = await worldWith();
  const late = await world.standin.commit(repo, "main");
  const { after } = await world.standin.forcePush(repo, "main", force);
  world.standin.faults.clock = () => Date.now() + 60_000;
  await compare(world, repo);
  expect(await requestsOf(world, late)).toEqual({ way: "name", git: ["ls-refs"], rest: 1 });
  expect(missing(world, repo, late.after)).toBe(true);
  expect(world.tips(repo)[MAIN]).toBe(after);
});

test("a ref whose name only begins like the one that was asked for is another ref", async () => {
  const { world, repo } = await inOneSecond();
  const other = await world.standin.commit(repo, "main2");
  await refreshed(world, async () => world.pushed(await world.standin.commit(repo, "main")));
  expect(world.tips(repo)).not.toHaveProperty("refs/heads/main2");
  await refreshed(world, () => world.pushed(other));
  expect(world.tips(repo)["refs/heads/main2"]).toBe(other.after);
});

test("a name that another repository has by now brings nothing of that one", async () => {
  const { world, repo } = await inOneSecond();
  const { standin } = world;
  const push = await standin.commit(repo, "main");
  await standin.deleteRepository(repo);
  const other = await standin.createRepository("acme", repo.name);
  const foreign = await standin.commit(other, "main");
  const from = world.log.length;
  await world.pushed(push);
  await world.line(({ event }) => /^refresh/.test(event), from);
  world.sweep();
  await world.inStep(other);
  const mirror = `${world.dataDir}/repos/${repo.id}/mirror.git`;
  expect(plainGit(mirror, "cat-file", "--batch-check", "--batch-all-objects")).not.toContain(foreign.after);
});

test.each([
  ["lists no ref at all", 0],
  ["lists less than half of many refs", 10],
])("an answer that %s deletes nothing until an operator allows it", async (_, left) => {
  const { world, repo } = await worldWith();
  const { standin } = world;
  for (let n = 0; n < 24; n++) await standin.commit(repo, `b-${n}`);
  await compare(world, repo);
  const before = world.tips(repo);
  const doomed = Object.keys(before).slice(left);
  for (const ref of doomed) await standin.deleteRef(repo, ref);
  await world.api(`/api/v1/repos/acme/${repo.name}/refresh`, { method: "POST" });
  await world.line(({ event, code }) => event === "refresh_failed" && code === "refs_vanished");
  expect(world.tips(repo)).toEqual(before);
  expect(await shown(world, repo)).toMatchObject({
    state: "failing",
    lastError: { code: "refs_vanished" },
    holds: [{ ref: "refs/*", cause: "vanished" }],
  });
  const allowed = await world.api(`/api/v1/repos/acme/${repo.name}/allow?wait=60s`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ref: "refs/*" }),
  });
  expect(allowed.status).toBe(200);
  expect(Object.keys(world.tips(repo))).toHaveLength(left);
  expect(missing(world, repo, "0".repeat(40))).toBe(true);
});
