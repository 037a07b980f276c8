import { expect, test } from "vitest";
import { World } from "../support/world.js";

/** A world with some repositories in step. */
async function worldOf(count: number, env: Record<string, string> = {}) {
  const world = await World.create(env);
  const names = Array.from({ length: count }, (_, n) => `app-${n}`);
  const repos = [];
  for (const name of names) repos.push(await world.standin.createRepository("acme", name));
  await world.start(...repos);
  return { world, repos, standin: world.standin };
}

const waits = async (world: World) =>
  (await (await world.api("/api/v1/queue")).json()) as {
    queue: { name: string; class: string; running: boolean; waitsFor: string | null }[];
    held: { what: string; until: string }[];
    outages: { server: string; since: string; nextProbeAt: string | null }[];
  };

test("GitHub is out for a while: one repository probes, and all are in step soon after it is back", async () => {
  const { world, repos, standin } = await worldOf(6);
  standin.faults.gitStatus = { status: 503, times: 1_000 };
  for (const repo of repos) await world.pushed(await standin.commit(repo, "main"));
  await expect.poll(async () => (await waits(world)).outages.length).toBe(1);
  const shown = await waits(world);
  expect(shown.outages[0]?.server).toMatch(/^(?:localhost|127\.0\.0\.1):\d+$/);
  expect(shown.queue.some(({ waitsFor }) => waitsFor === shown.outages[0]?.server)).toBe(true);
  const { queue } = (await (await world.api("/api/v1/status")).json()) as { queue: { outages: unknown[] } };
  expect(queue.outages).toHaveLength(1);
  // More pushes during the outage lengthen nothing.
  for (const repo of repos) await world.pushed(await standin.commit(repo, "main"));
  standin.faults.gitStatus = undefined;
  standin.clearCounters();
  const isBefore = world.log.length;
  await Promise.all(repos.map((repo) => world.inStep(repo)));
  expect((await waits(world)).outages).toEqual([]);
  // The first answer ends the outage, and nobody waits for a second one.
  const since = world.log.slice(isBefore).filter(({ event }) => /^(outage_ended|refresh)/.test(event));
  expect(since[0]).toMatchObject({ event: "outage_ended" });
  expect(since.slice(1).every(({ event }) => event === "refreshed")).toBe(true);
  const events = world.log.map(({ event }) => event).filter((event) => event.startsWith("outage_"));
  expect(events).toEqual(["outage_began", "outage_ended"]);
});

test("mirrors that hang put no push to another mirror off for more than 6 s", async () => {
  const { world, repos, standin } = await worldOf(4, { CONCURRENCY: "2" });
  const [last, ...hanging] = repos;
  standin.faults.hangGit = true;
  for (const repo of hanging) await world.pushed(await standin.commit(repo, "main"));
  await expect
    .poll(async () => (await waits(world)).queue.filter((row) => row.class === "long").length)
    .toBeGreaterThan(0);
  await world.pushed(await standin.commit(last!, "main"));
  const isRunning = async () =>
    (await waits(world)).queue.some(({ name, running }) => running && name === `acme/${last!.name}`);
  await expect.poll(isRunning).toBe(true);
  standin.faults.hangGit = false;
  await world.inStep(last!);
  await Promise.all(repos.map((repo) => world.inStep(repo)));
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
});

test("REST's Retry-After does not hold a push that needs no REST, and is shown to operators", async () => {
  const { world, repos, standin } = await worldOf(1);
  standin.faults.secondaryLimit(60);
  world.sweep();
  await expect.poll(async () => (await waits(world)).held.length).toBe(1);
  expect((await waits(world)).held[0]?.what).toBe("REST of the App and every installation");
  await world.pushed(await standin.commit(repos[0]!, "main"));
  await world.inStep(repos[0]!);
});
