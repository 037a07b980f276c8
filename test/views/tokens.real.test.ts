import { expect, test } from "vitest";
import { untilState } from "../support/state.js";
import { World } from "../support/world.js";

const API_TOKEN = "token-of-the-tests-0123456789";

/** Two repositories with a push each, and a token for one of them. */
async function start() {
  const world = await World.create();
  const app = await world.standin.createRepository("acme", "app");
  const site = await world.standin.createRepository("acme", "site");
  await world.start(app, site);
  for (const repo of [app, site]) {
    await untilState(world, `acme/${repo.name}`, ({ state }) => state === "fresh");
    await world.pushed(await world.standin.commit(repo, "main"));
    await world.inStep(repo);
  }
  const call = (path: string, token: string, init: RequestInit = {}) =>
    fetch(`${world.url}/api/v1/${path}`, { ...init, headers: { authorization: `Bearer ${token}` } });
  const wanted = { name: "app", scopes: ["read", "operate"], repositories: ["acme/app"] };
  const made = await call("tokens", API_TOKEN, { method: "POST", body: JSON.stringify(wanted) });
  const { secret } = (await made.json()) as { secret: string };
  const get = async (path: string, token = secret) =>
    (await (await call(path, token)).json()) as Record<string, { repository: string }[] & number>;
  return { world, app, site, call, get, secret };
}

test("a token for one repository hears of no other in lists, logs, queue and metrics", async () => {
  const { world, call, get, secret } = await start();
  expect(await get("repos")).toMatchObject({ repositories: [{ name: "app" }], total: 1 });
  expect(await get("repos", API_TOKEN)).toMatchObject({ total: 2 });
  const { deliveries } = await get("deliveries");
  expect(deliveries!.map(({ repository }) => repository)).toEqual(["acme/app"]);
  expect((await get("deliveries", API_TOKEN)).deliveries!.length).toBeGreaterThan(1);
  expect(await get("deliveries?repository=acme/site")).toEqual({ deliveries: [], next: null });
  expect((await call("repos/acme/site", secret)).status).toBe(404);
  expect((await call("status", secret)).status).toBe(403);
  const metrics = await fetch(`${world.url}/metrics`, { headers: { authorization: `Bearer ${secret}` } });
  expect(metrics.status).toBe(403);
  await world.standin.down();
  for (const name of ["app", "site"]) await call(`repos/acme/${name}/refresh`, API_TOKEN, { method: "POST" });
  await expect.poll(async () => (await get("queue", API_TOKEN)).total).toBeGreaterThanOrEqual(2);
  const queue = await get("queue");
  expect(queue).toMatchObject({ queue: [{ name: "acme/app", waitsFor: null }], total: 1, held: [] });
  expect((await call("repos/acme/site/pause", secret, { method: "POST" })).status).toBe(404);
  expect((await call("repos/acme/app/pause", secret, { method: "POST" })).status).toBe(200);
});
