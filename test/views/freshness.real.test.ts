import { expect, test } from "vitest";
import { statusOf } from "../support/state.js";
import { World } from "../support/world.js";

const freshz = async (world: World) => {
  const answer = await world.api("/freshz");
  return { code: answer.status, ...((await answer.json()) as object) };
};

test("while repositories have no mirror the server is cloning, not fresh, and says how many it has", async () => {
  const world = await World.create();
  const repos = [];
  for (const name of ["a", "b", "c"]) repos.push(await world.standin.createRepository("acme", name));
  world.standin.faults.gitStatus = { status: 503, times: 1_000, path: "/acme/c" };
  await world.start(repos[0]!, repos[1]!);
  await world.line(({ event, repository }) => event === "refresh_failed" && repository === "acme/c");
  await expect
    .poll(() => freshz(world))
    .toMatchObject({ code: 503, status: "cloning", mirrors: { managed: 3, cloned: 2 } });
  const status = await statusOf(world);
  expect([status.fresh, status.state, status.mirrors]).toEqual([false, "cloning", { managed: 3, cloned: 2 }]);
  const metrics = (await (await world.api("/metrics")).text()).split("\n");
  expect(metrics).toContain("lockstep_managed_repositories 3");
  expect(metrics).toContain("lockstep_cloned_repositories 2");
  world.standin.faults.gitStatus.times = 0;
  await world.api("/api/v1/repos/acme/c/refresh", { method: "POST" });
  await world.inStep(repos[2]!);
  await expect.poll(() => freshz(world)).toMatchObject({ code: 200, status: "fresh" });
});

test("a server that has no repository to mirror is empty, not fresh", async () => {
  const world = await World.create({ REPOSITORIES: "acme/other" });
  await world.standin.createRepository("acme", "app");
  await world.start();
  expect(await freshz(world)).toMatchObject({
    code: 503,
    status: "empty",
    mirrors: { managed: 0, cloned: 0 },
  });
  expect(await statusOf(world)).toMatchObject({ fresh: false, state: "empty", problems: [] });
});

test("a comparison is dated before GitHub was asked, however long the answer took", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const shown = async () =>
    (await (await world.api("/api/v1/repos/acme/app")).json()) as { lastFullAt: string };
  await expect.poll(() => freshz(world)).toMatchObject({ status: "fresh" });
  world.standin.faults.serverDelayMs = 2_000;
  let cameAt = 0;
  world.standin.once("git-start", () => {
    cameAt = Date.now();
  });
  const askedAt = Date.now();
  await world.api("/api/v1/repos/acme/app/refresh?wait=60s", { method: "POST" });
  expect(Date.now() - cameAt).toBeGreaterThan(1_900);
  const { lastFullAt } = await shown();
  expect(Date.parse(lastFullAt)).toBeGreaterThanOrEqual(askedAt);
  expect(Date.parse(lastFullAt)).toBeLessThanOrEqual(cameAt);
});
