import { expect, test } from "vitest";
import { sweepThrough } from "../support/life/quiet.js";
import { stateOf } from "../support/state.js";
import { World } from "../support/world.js";

test("a repository that went to a suspended installation keeps nothing of the one it left from being seen", async () => {
  const world = await World.create();
  const { standin } = world;
  const moves = await standin.createRepository("acme", "moves");
  const leaves = await standin.createRepository("acme", "leaves");
  const stays = await standin.createRepository("globex", "stays");
  await world.start(moves, leaves, stays);
  await sweepThrough(world);
  standin.suspendInstallation(stays.installation!);
  standin.transferRepository(moves, stays.installation);
  standin.removeRepository(leaves);
  await sweepThrough(world);
  expect(await stateOf(world, "acme/leaves")).toMatchObject({ state: "gone" });
  expect(await stateOf(world, "acme/moves")).toMatchObject({ state: "suspended" });
  standin.suspendInstallation(stays.installation!, false);
  await sweepThrough(world);
  expect(await stateOf(world, "globex/moves")).toMatchObject({ state: "fresh" });
});
