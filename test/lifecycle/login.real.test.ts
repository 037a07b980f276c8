import { expect, test } from "vitest";
import { passed } from "../support/state.js";
import { World } from "../support/world.js";

test("a new installation has its account's name as soon as its first repository is there", async () => {
  const world = await World.create();
  await world.start();
  // The first pass asks for every installation.
  await passed(world);
  const { standin } = world;
  const installation = standin.createInstallation("globex");
  const repo = await standin.createRepository("globex", "app");
  standin.addRepository(repo, installation);
  const event = standin.eventFor("installation", "created", { installation });
  await standin.deliverEvent("installation", event, { to: `${world.url}/api/github/webhooks` });
  await world.inStep(repo);
  const answer = (await (await world.api("/api/v1/installations")).json()) as { installations: object[] };
  expect(answer.installations).toMatchObject([{ id: installation.id, login: "globex" }]);
});

test("an installation without repositories has its account's name at once", async () => {
  const world = await World.create();
  await world.start();
  await passed(world);
  const { standin } = world;
  const installation = standin.createInstallation("initech");
  const event = standin.eventFor("installation", "created", { installation });
  await standin.deliverEvent("installation", event, { to: `${world.url}/api/github/webhooks` });
  const installations = async () => {
    const answer = await world.api("/api/v1/installations");
    return ((await answer.json()) as { installations: object[] }).installations;
  };
  await expect.poll(installations).toMatchObject([{ id: installation.id, login: "initech" }]);
});
