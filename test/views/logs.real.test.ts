import { expect, test } from "vitest";
import { type Shown, untilState } from "../support/state.js";
import { World } from "../support/world.js";

const get = async (world: World, path: string): Promise<Shown> => (await world.api(`/api/v1/${path}`)).json();

async function acme() {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await untilState(world, "acme/app", ({ state }) => state === "fresh");
  return { world, repo };
}

test("every delivery shows its outcome, and every refresh leaves a row", async () => {
  const { world, repo } = await acme();
  const push = await world.standin.commit(repo, "main");
  expect(await world.deliver(push, "delivery-1")).toBe(202);
  await world.inStep(repo);
  await untilState(world, "acme/app", ({ queued }) => !queued);
  expect(await get(world, "deliveries/delivery-1")).toMatchObject({
    ...{ id: "delivery-1", event: "push", via: "webhook", repository: "acme/app", outcome: "refreshed" },
    ...{ repositoryId: repo.id, installationId: expect.any(Number), reason: null },
    became: expect.stringMatching(/^refreshed at 2/),
  });
  const { refreshes } = await get(world, "repos/acme/app/refreshes");
  expect(refreshes).toMatchObject([
    {
      trigger: "push",
      way: expect.stringMatching(/^(word|name)$/),
      result: "changed",
      changed: 1,
      attempt: 1,
      reason: null,
    },
    { trigger: "onboard", way: "clone", result: "cloned" },
  ]);
  expect((await world.api("/api/v1/deliveries/none")).status).toBe(404);
});

test("a delivery that requested nothing gives the reason; an open one, what keeps it open", async () => {
  const { world, repo } = await acme();
  const to = { to: `${world.url}/api/github/webhooks` };
  await world.standin.deliverEvent("watch", { action: "started", repository: { id: repo.id } }, to);
  const ignored = await get(world, "deliveries?outcome=ignored");
  expect(ignored.deliveries).toMatchObject([
    { event: "watch", action: "started", repository: "acme/app", became: "ignored: nothing to do for watch" },
  ]);
  await world.standin.down();
  await world.pushed(await world.standin.commit(repo, "main"));
  await untilState(world, "acme/app", ({ lastError, running }) => lastError && !running);
  const open = await get(world, "deliveries?outcome=open&repository=ACME/app");
  expect(open).toMatchObject({ next: null, deliveries: [{ event: "push", outcome: "open" }] });
  expect(open.deliveries[0].became).toMatch(
    /^(waits for the next try; the last try failed: |being refreshed)/,
  );
  expect(await get(world, "queue")).toMatchObject({
    total: 1,
    queue: [{ subject: "repository", name: "acme/app", trigger: "push" }],
  });
  const { refreshes } = await get(world, "repos/acme/app/refreshes");
  expect(refreshes[0]).toMatchObject({
    trigger: "push",
    way: "none",
    changed: 0,
    reason: expect.any(String),
  });
  await world.standin.up();
  await world.inStep(repo);
  await untilState(world, "acme/app", ({ queued }) => !queued);
  expect((await get(world, "deliveries?outcome=open")).deliveries).toEqual([]);
  expect((await get(world, "deliveries?repository=acme/app&limit=1")).next).toEqual(expect.any(String));
});
