import { Agent, request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { plainGit } from "../support/git.js";
import { compare, worldWith } from "../support/history.js";
import { passed } from "../support/state.js";
import type { World } from "../support/world.js";

const pathOf = (sha: string, query = "") => `/api/v1/repos/acme/app/contains/${sha}${query}`;
const ask = async (world: World, sha: string, query = "") => (await world.api(pathOf(sha, query))).status;
const manual = (world: World) => world.refreshes().filter(({ trigger }) => trigger === "manual").length;

test("what is there is found at once: a tip, an older commit, an annotated tag", async () => {
  const { world, repo, standin } = await worldWith();
  const first = world.tips(repo)["refs/heads/main"]!;
  const push = await standin.commit(repo, "main");
  const tag = await standin.createTag(repo, "v1", { annotated: true });
  await world.pushed(push, tag);
  await world.inStep(repo);
  for (const sha of [first, push.after, tag.after]) expect(await ask(world, sha)).toBe(200);
  expect(await (await world.api(pathOf(first))).json()).toMatchObject({ contains: true, sha: first });
  expect(manual(world)).toBe(0);
});

test("not found: an unknown object, a blob, a commit that only a kept ref leads to", async () => {
  const { world, repo, standin } = await worldWith();
  const forced = await standin.forcePush(repo, "main", { orphan: true });
  await world.pushed(forced);
  await world.inStep(repo);
  expect(Object.values(world.kept(repo))).toEqual([forced.before]);
  const blob = plainGit(world.mirror(repo), "hash-object", "-w", "--stdin");
  for (const sha of ["1".repeat(40), blob, forced.before]) expect(await ask(world, sha)).toBe(408);
  expect(await ask(world, forced.after, "?in=checkout")).toBe(408);
  expect(manual(world)).toBe(0);
});

test("a push whose delivery never arrived is fetched for the client that waits for it", async () => {
  const { world, repo, standin } = await worldWith();
  const push = await standin.commit(repo, "main");
  expect(await ask(world, push.after, "?wait=30s")).toBe(200);
  expect(world.tips(repo)["refs/heads/main"]).toBe(push.after);
  expect(manual(world)).toBe(1);
});

test("a client that waits before the push is answered when it arrives, or when its time is over", async () => {
  const { world, repo, standin } = await worldWith();
  const missing = ask(world, "1".repeat(40), "?wait=1s");
  await world.line(({ event, trigger }) => event === "refreshed" && trigger === "manual");
  const push = await standin.commit(repo, "main");
  const there = ask(world, push.after, "?wait=30s");
  await world.pushed(push);
  expect(await there).toBe(200);
  expect(await missing).toBe(408);
});

test("a repository that is removed during a wait is reported as not managed", async () => {
  const { world, repo, standin } = await worldWith();
  const waiting = ask(world, "1".repeat(40), "?wait=2s");
  await world.line(({ event, trigger }) => event === "refreshed" && trigger === "manual");
  standin.removeRepository(repo);
  await passed(world);
  expect(await waiting).toBe(404);
});

test("while a client waits, GitHub is asked again", async () => {
  const { world, repo, standin } = await worldWith();
  await standin.serveStale(repo, 60_000);
  const push = await standin.commit(repo, "main");
  const waiting = ask(world, push.after, "?wait=1m");
  await world.line(({ event, trigger }) => event === "refreshed" && trigger === "manual");
  standin.stopStale(repo);
  expect(await waiting).toBe(200);
  expect(manual(world)).toBe(2);
});

test("a paused repository answers from what it has, and waits for nothing", async () => {
  const { world, repo, standin } = await worldWith();
  const tip = world.tips(repo)["refs/heads/main"]!;
  await world.api("/api/v1/repos/acme/app/pause", { method: "POST" });
  const push = await standin.commit(repo, "main");
  expect(await ask(world, push.after, "?wait=30s")).toBe(409);
  expect(await ask(world, tip)).toBe(200);
});

test("four hundred waiting connections cost one refresh, and closed ones cost none", async () => {
  const { world, repo, standin } = await worldWith({ SHUTDOWN_TIMEOUT: "0s" });
  await compare(world, repo);
  const before = manual(world);
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  onTestFinished(() => agent.destroy());
  standin.faults.hangGit = true;
  const push = await standin.commit(repo, "main");
  const waiters = Array.from({ length: 400 }, () => open(world, push.after, agent));
  const left = Array.from({ length: 100 }, () => open(world, push.after, agent));
  await Promise.all(left.map(({ sent }) => sent));
  for (const { leave } of left) leave();
  standin.faults.hangGit = false;
  const answers = await Promise.all(waiters.map(({ status }) => status));
  expect(new Set(answers)).toEqual(new Set([200]));
  expect(manual(world) - before).toBe(1);
});

function open(world: World, sha: string, agent: Agent) {
  const headers = { authorization: "Bearer token-of-the-tests-0123456789" };
  const call = request(`${world.url}${pathOf(sha, "?wait=1m")}`, { agent, headers });
  const status = new Promise<number>((resolve) => {
    call.once("response", (response) => resolve(response.resume().statusCode ?? 0));
    call.once("error", () => resolve(0));
  });
  const sent = new Promise<void>((resolve) => call.once("finish", () => resolve()));
  call.end();
  return { status, sent, leave: () => call.destroy() };
}
