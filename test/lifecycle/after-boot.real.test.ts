import { expect, test } from "vitest";
import { ownBootId } from "../support/power-cut.js";
import { atRest, passed } from "../support/state.js";
import { World } from "../support/world.js";

test("after a restart of the machine each mirror is compared once, also while passes find it behind", async () => {
  const world = await World.create();
  // GitHub shows the pushes below for a minute already.
  world.standin.faults.clock = () => Date.now() + 60_000;
  const repos = [];
  for (const name of ["a", "b", "c"]) repos.push(await world.standin.createRepository("acme", name));
  ownBootId(world)("first");
  await world.start(...repos);
  await passed(world);
  await world.stop();
  ownBootId(world)("second");
  // The comparisons last until the first pass has read GitHub's lists.
  world.standin.faults.serverDelayMs = 500;
  const from = world.log.length;
  await world.start();
  for (const repo of repos) await atRest(world, repo);
  await passed(world);
  const refreshed = world.log.slice(from).filter(({ event }) => event === "refreshed");
  expect(refreshed.map(({ repository, way }) => `${repository} ${way}`).sort()).toEqual([
    "acme/a full",
    "acme/b full",
    "acme/c full",
  ]);
});
