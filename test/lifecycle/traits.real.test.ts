import { expect, test } from "vitest";
import type { EventActions } from "../../tools/standin/events.js";
import type { Repo } from "../../tools/standin/index.js";
import { passed, stateOf } from "../support/state.js";
import { World } from "../support/world.js";

const happens = (world: World, repo: Repo, action: EventActions["repository"]) =>
  world.standin.deliverEvent("repository", world.standin.eventFor("repository", action, { repo }), {
    to: `${world.url}/api/github/webhooks`,
  });

test("REPOSITORIES chooses by topic and archive, by events and by the backstop", async () => {
  const world = await World.create({ REPOSITORIES: "acme/*,topic:docs,!archived" });
  const { standin } = world;
  const docs = await standin.createRepository("acme", "docs");
  const app = await standin.createRepository("acme", "app");
  const old = await standin.createRepository("acme", "old");
  for (const repo of [docs, old]) standin.setTopics(repo, "docs");
  standin.archiveRepository(old);
  await world.start(docs);
  const list = async () =>
    ((await (await world.api("/api/v1/repos")).json()) as { repositories: { name: string }[] }).repositories;
  expect((await list()).map(({ name }) => name)).toEqual(["docs"]);

  // An event tells of a new topic, and of a topic that is no longer there.
  standin.setTopics(app, "docs", "api");
  await happens(world, app, "edited");
  await world.inStep(app);
  standin.setTopics(docs);
  await happens(world, docs, "edited");
  const gone = await world.line(({ event }) => event === "repository_gone");
  expect(gone).toMatchObject({ repository: "acme/docs", why: "REPOSITORIES does not include it" });

  // The backstop finds what no event tells.
  standin.setTopics(docs, "docs");
  standin.archiveRepository(old, false);
  await passed(world);
  await world.inStep(old);
  await world.inStep(docs);
  const { state } = await stateOf(world, "acme/docs");
  expect(state).toBe("fresh");
});
