import { randomUUID } from "node:crypto";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { traced, whyNoTrace } from "../support/strace.js";
import { World } from "../support/world.js";

const DELIVERIES = 32;

test("deliveries that come together are synced to the disk together, before any is answered", async (context) => {
  const why = whyNoTrace();
  if (why) return context.skip(why);
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const payload = { repository: { id: repo.id, full_name: "acme/app" } };
  const deliver = () =>
    world.standin.deliverEvent("star", payload, { to: `${world.url}/api/github/webhooks`, id: randomUUID() });
  // The connections of the first ones are used again, so that the others arrive at once.
  await Promise.all(Array.from({ length: DELIVERIES }, deliver));
  let statuses: number[] = [];
  const calls = await traced(async () => {
    statuses = (await Promise.all(Array.from({ length: DELIVERIES }, deliver))).map(({ status }) => status);
  });
  expect(new Set(statuses)).toEqual(new Set([204]));
  const syncs = calls.filter(
    ({ name, path }) => /^fdatasync|^fsync/.test(name) && basename(path) === "lockstep.db-wal",
  );
  expect(syncs.length).toBeGreaterThan(0);
  expect(syncs.length).toBeLessThan(DELIVERIES / 2);
});
