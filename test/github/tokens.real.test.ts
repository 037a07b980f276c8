import { expect, test } from "vitest";
import { passed, stateOf, statusOf } from "../support/state.js";
import { World } from "../support/world.js";

/** Makes two installations, each with a cached token that has most of its hour left. */
async function setUp() {
  const world = await World.create();
  const stays = await world.standin.createRepository("acme", "app");
  const other = await world.standin.createRepository("globex", "site");
  await world.start(stays, other);
  await passed(world);
  return { world, stays, other, installation: other.installation! };
}

const failures = (world: World) => world.log.filter(({ event }) => event === "refresh_failed");

test("tokens that were revoked are renewed by the next pass, and nothing fails", async () => {
  const { world, stays } = await setUp();
  world.standin.world.expireTokens();
  await world.standin.commit(stays, "main");
  await passed(world);
  await world.inStep(stays);
  expect(failures(world)).toEqual([]);
  expect((await statusOf(world)).problems).toEqual([]);
});

test("an App is uninstalled without an event: after one pass its repositories are gone", async () => {
  const { world, installation } = await setUp();
  world.standin.removeInstallation(installation);
  await passed(world);
  expect(await stateOf(world, "globex/site")).toMatchObject({ state: "gone" });
  expect(await stateOf(world, "acme/app")).toMatchObject({ state: "fresh" });
  expect(failures(world)).toEqual([]);
  expect((await statusOf(world)).problems).toEqual([]);
});

test("an installation is suspended, and only its refused token shows that", async () => {
  const { world, installation } = await setUp();
  const event = world.standin.eventFor("installation", "suspend", { installation });
  world.standin.suspendInstallation(installation);
  const logged = world.line(({ event }) => event === "installation_suspended");
  await world.standin.deliverEvent("installation", event, { to: `${world.url}/api/github/webhooks` });
  await logged;
  expect(await stateOf(world, "globex/site")).toMatchObject({ state: "suspended" });
  expect(failures(world)).toEqual([]);
});
