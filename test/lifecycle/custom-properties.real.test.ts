import { expect, test } from "vitest";
import type { Repo } from "../../tools/standin/index.js";
import { passed, untilState } from "../support/state.js";
import { World } from "../support/world.js";

const changed = (world: World, repo: Repo) =>
  world.standin.deliverEvent(
    "custom_property_values",
    world.standin.eventFor("custom_property_values", "updated", { repo }),
    { to: `${world.url}/api/github/webhooks` },
  );

const isGone = (world: World, name: string) =>
  world.line(({ event, repository }) => event === "repository_gone" && repository === name);

const problems = async (world: World) => {
  const { problems } = (await (await world.api("/api/v1/status")).json()) as {
    problems: { code: string; remedy: string }[];
  };
  return problems.filter(({ code }) => code === "properties_unread");
};

test("REPOSITORIES chooses by custom properties, by events and by the backstop", async () => {
  const world = await World.create({ REPOSITORIES: "acme/*,property:tier=1,!property:state=frozen" });
  const { standin } = world;
  const site = await standin.createRepository("acme", "site");
  const app = await standin.createRepository("acme", "app");
  const old = await standin.createRepository("acme", "old");
  standin.setProperties(site, { tier: "1", team: ["web", "docs"] });
  standin.setProperties(old, { tier: "1", state: "frozen" });
  await world.start(site);
  await untilState(world, "acme/site", ({ state }) => state === "fresh");
  for (const name of ["acme/app", "acme/old"])
    expect((await world.api(`/api/v1/repos/${name}`)).status).toBe(404);

  standin.setProperties(app, { tier: "1" });
  expect((await changed(world, app)).status).toBe(202);
  await world.inStep(app);
  standin.setProperties(site, {});
  await changed(world, site);
  expect(await isGone(world, "acme/site")).toMatchObject({ why: "REPOSITORIES does not include it" });

  // The backstop finds what no event tells.
  standin.setProperties(old, { tier: "1" });
  standin.setProperties(app, { tier: "2" });
  await passed(world);
  await world.inStep(old);
  await isGone(world, "acme/app");
  // The list of github.com has the properties, so that nothing more was asked for.
  expect(standin.calls.filter(({ path }) => path.includes("properties"))).toEqual([]);
  expect(await problems(world)).toEqual([]);
});

test("on a server that does not show them, they are read from the organisation once the permission is there", async () => {
  const world = await World.create({ REPOSITORIES: "property:tier=1" });
  const { standin } = world;
  const site = await standin.createRepository("acme", "site");
  const app = await standin.createRepository("acme", "app");
  standin.setProperties(site, { tier: "1" });
  await world.start(site);
  standin.world.showsProperties = false;

  // Without the permission nothing comes and nothing goes, whatever the properties are now.
  standin.setProperties(site, {});
  standin.setProperties(app, { tier: "1" });
  await passed(world);
  await untilState(world, "acme/site", ({ state }) => state === "fresh");
  expect((await world.api("/api/v1/repos/acme/app")).status).toBe(404);
  expect(await problems(world)).toMatchObject([
    { remedy: expect.stringContaining("organization permission Custom properties: read-only") },
  ]);
  expect((await fetch(`${world.url}/freshz`)).status).toBe(200);

  standin.world.rights.permissions.organization_custom_properties = "read";
  await passed(world);
  await isGone(world, "acme/site");
  await world.inStep(app);
  expect(await problems(world)).toEqual([]);
});
