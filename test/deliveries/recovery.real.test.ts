import Database from "libsql";
import { expect, onTestFinished, test, vi } from "vitest";
import { passed, type Shown, stateOf, statusOf, untilState } from "../support/state.js";
import { World } from "../support/world.js";

const HOUR = 3_600_000;

async function acme(env: Record<string, string> = {}) {
  const world = await World.create(env);
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await passed(world);
  return { world, repo };
}

/** Sets the time of the last reading back by this much. */
function wasAway(world: World, ms: number): void {
  const db = new Database(`${world.dataDir}/lockstep.db`);
  const value = JSON.stringify({ watermark: Date.now() - ms, reading: null });
  db.prepare("UPDATE facts SET value = ? WHERE name = 'deliveries-read'").run(value);
  db.close();
}

test("a delivery that GitHub could not make becomes a full comparison, and is listed", async () => {
  const { world, repo } = await acme();
  // No list of GitHub's shows the change: only GitHub's log of deliveries does.
  const push = await world.standin.commit(repo, "main");
  await world.standin.deliver(push, {});
  world.sweep();
  await world.inStep(repo);
  await world.line(({ event, recovered }) => event === "deliveries_recovered" && recovered === 1);
  const line = await world.line(({ event, deliveryId }) => event === "refreshed" && deliveryId !== undefined);
  expect(line).toMatchObject({ way: "full", trigger: "backstop" });
  const answer = await world.api("/api/v1/deliveries?repository=acme/app");
  expect(await answer.json()).toMatchObject({
    deliveries: [{ id: line.deliveryId, via: "recovered", repository: "acme/app" }],
  });
});

test("a delivery that this server recorded is not requested again, whatever status GitHub noted", async () => {
  const { world, repo } = await acme();
  const push = await world.standin.commit(repo, "main");
  await world.pushed(push);
  await world.inStep(repo);
  const [entry] = world.standin.deliveries.all;
  entry!.statusCode = 504;
  const before = world.refreshes().length;
  for (let n = 0; n < 3; n++) await passed(world);
  const named = world
    .refreshes()
    .slice(before)
    .filter(({ deliveryId }) => deliveryId !== undefined);
  expect(named).toEqual([]);
});

test("an outage with thousands of deliveries: coalesced per repository, resumed after a restart", async () => {
  const { world, repo } = await acme();
  await world.standin.commit(repo, "main");
  await world.stop();
  wasAway(world, 11 * HOUR);
  const now = Date.now();
  const total = 5_000;
  world.standin.deliveries.bulk(total, (index) => ({
    event: "push",
    deliveredAt: new Date(now - 10 * HOUR + index).toISOString(),
    repositoryId: repo.id,
    installationId: repo.installation!.id,
  }));
  // GitHub asks to wait in the middle of the reading.
  let pages = 0;
  world.standin.on("call", ({ path }) => {
    if (path.includes("/app/hook/deliveries?") && ++pages === 20)
      world.standin.faults.secondaryLimit(1, 1, "deliveries");
  });
  const from = world.log.length;
  await world.start();
  world.sweep();
  await world.line(({ event, code }) => event === "deliveries_unreadable" && code === "rate_limited", from);
  await world.stop();
  await world.start();
  await passed(world);
  const line = await world.line(({ event }) => event === "deliveries_recovered", from);
  expect(line.recovered).toBe(total);
  await world.inStep(repo);
  const refreshes = world.log.slice(from).filter(({ event }) => event === "refreshed");
  expect(refreshes.length).toBeLessThan(60);
});

test("an entry that appears minutes late is still found", async () => {
  const { world, repo } = await acme();
  const first = await world.standin.commit(repo, "main");
  const { id } = await world.standin.deliver(first, {});
  world.standin.deliveries.hold(id);
  const second = await world.standin.commit(repo, "main");
  await world.pushed(second);
  await passed(world);
  world.standin.deliveries.release(id);
  const from = world.log.length;
  await passed(world);
  await world.line(({ event, deliveryId }) => event === "refreshed" && deliveryId === id, from);
});

test("a downtime longer than GitHub keeps deliveries has every repository compared", async () => {
  const { world, repo } = await acme();
  await world.stop();
  // Notes cause no event, and do not change pushed_at.
  world.standin.deliveries.windowMs = 1_000;
  wasAway(world, 8 * 24 * HOUR);
  const from = world.log.length;
  await world.start();
  world.sweep();
  await world.line(({ event }) => event === "delivery_log_gap", from);
  await world.line(
    ({ event, way, repository }) => [event, way, repository].join() === "refreshed,full,acme/app",
    from,
  );
  await untilState(world, "acme/app", ({ state }) => state === "fresh");
  expect((await stateOf(world, "acme/app")).id).toBe(repo.id);
});

test("DELIVERIES=pull: pushes and events arrive by GitHub's log, single refs by word", async () => {
  const { world, repo } = await acme({ DELIVERIES: "pull", PULL_INTERVAL: "1s" });
  world.standin.strictClock = true;
  const push = await world.standin.commit(repo, "main");
  await world.standin.deliver(push, {});
  const line = await world.line(({ event, trigger }) => event === "refreshed" && trigger === "push");
  expect(line).toMatchObject({ result: "changed" });
  expect(["word", "name"]).toContain(line.way);
  await world.inStep(repo);
  world.standin.renameRepository(repo, "site");
  const renamed = world.standin.eventFor("repository", "renamed", { repo });
  await world.standin.deliverEvent("repository", renamed, {});
  await untilState(world, "acme/site", ({ id }) => id === repo.id);
  expect((await statusOf(world)).deliveries).toMatchObject({ mode: "pull", lastReadAt: expect.any(String) });
});

test("DELIVERIES=pull: a delivery whose payload GitHub lacks blocks no other, and is compared in full", async () => {
  const { world, repo } = await acme({ DELIVERIES: "pull", PULL_INTERVAL: "1s" });
  const other = await world.standin.createRepository("acme", "other");
  await passed(world);
  await world.inStep(other);
  for (const status of [500, 404, 422, 403]) {
    const lost = await world.standin.commit(repo, "main");
    const from = world.log.length;
    const { id } = await world.standin.deliver(lost, {});
    const path = `/app/hook/deliveries/${world.standin.deliveries.all[0]!.id}`;
    world.standin.faults.restStatus = { status, times: 1_000, path };
    await world.standin.deliver(await world.standin.commit(other, "main"), {});
    await world.inStep(other);
    const line = await world.line(
      ({ event, deliveryId }) => event === "refreshed" && deliveryId === id,
      from,
    );
    expect(line).toMatchObject({ repository: "acme/app", way: "full" });
    await world.inStep(repo);
  }
});

test("DELIVERIES=pull: an unusable payload leads to a full comparison by the entry in the log", async () => {
  const { world, repo } = await acme({ DELIVERIES: "pull", PULL_INTERVAL: "1s", REFSPECS: "refs/*" });
  const entry = { repositoryId: repo.id, installationId: repo.installation!.id };
  const uninteresting = { ...entry, event: "pull_request", action: "closed", payload: {} };
  const { guid: closed } = world.standin.deliveries.record(uninteresting);
  const odd = [{}, "payload=%7B%7D", null, { ref: "refs/heads/main" }, { repository: { full_name: "a/b" } }];
  for (const payload of odd) {
    await world.standin.commit(repo, "main");
    const from = world.log.length;
    const { guid } = world.standin.deliveries.record({ ...entry, payload });
    const line = await world.line(
      ({ event, deliveryId }) => event === "refreshed" && deliveryId === guid,
      from,
    );
    expect(line).toMatchObject({ repository: "acme/app", way: "full", trigger: "backstop" });
    await world.inStep(repo);
  }
  const { deliveries }: Shown = await (await world.api("/api/v1/deliveries")).json();
  expect(deliveries.find(({ id }: Shown) => id === closed)).toMatchObject({
    became: expect.stringContaining("pull_request closed does not change any ref"),
  });
});

test("DELIVERIES=pull: after a rate limit it reads the payload instead of comparing in full", async () => {
  const { world, repo } = await acme({ DELIVERIES: "pull", PULL_INTERVAL: "1s" });
  world.standin.strictClock = true;
  world.standin.faults.secondaryLimit(1, 1, "/app/hook/deliveries/");
  const from = world.log.length;
  const { id } = await world.standin.deliver(await world.standin.commit(repo, "main"), {});
  await world.line(({ event, code }) => event === "deliveries_unreadable" && code === "rate_limited", from);
  const line = await world.line(({ event, deliveryId }) => event === "refreshed" && deliveryId === id, from);
  expect(["word", "name"]).toContain(line.way);
});

test("DELIVERIES=pull: a push found only by the backstop is a problem, until the log has a delivery", async () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const { world, repo } = await acme({ DELIVERIES: "pull", PULL_INTERVAL: "1h" });
  const codes = async () => (await statusOf(world)).problems.map(({ code }: { code: string }) => code);
  const later = async () => {
    vi.advanceTimersByTime(2_000);
    const push = await world.standin.commit(repo, "main");
    return { deliver: async () => void (await world.standin.deliver(push, {})) };
  };
  const found = async (meanwhile = async () => {}) => {
    const from = world.log.length;
    // The pass's reading of the log must end before the clock moves on.
    await passed(world);
    expect(world.log.slice(from).filter(({ result }) => result === "changed")).toHaveLength(1);
    await meanwhile();
    vi.advanceTimersByTime(61_000);
    await passed(world);
  };
  const reported = await later();
  await found(reported.deliver);
  expect(await codes()).toEqual([]);
  const missed = await later();
  await found();
  expect(await codes()).toEqual(["webhook_silent"]);
  await missed.deliver();
  vi.advanceTimersByTime(1_000);
  await passed(world);
  expect(await codes()).toEqual([]);
});

test("a quiet App: the log counts as read to the time of the reading, however old its newest entry is", async () => {
  const { world } = await acme();
  world.standin.deliveries.bulk(1, () => ({ event: "ping", deliveredAt: new Date(Date.now() - 70 * HOUR) }));
  const from = Date.now();
  await passed(world);
  const db = new Database(`${world.dataDir}/lockstep.db`, { readonly: true });
  const row = db.prepare("SELECT value FROM facts WHERE name = 'deliveries-read'").get() as { value: string };
  db.close();
  expect(JSON.parse(row.value).watermark).toBeGreaterThan(from - HOUR);
});

test("a stored cursor that GitHub refuses is dropped: the next reading starts from the top", async () => {
  const { world, repo } = await acme();
  await world.stop();
  const db = new Database(`${world.dataDir}/lockstep.db`);
  const reading = { cursor: "v0_nonsense", newest: Date.now(), pages: 3, recovered: 0 };
  const value = JSON.stringify({ watermark: Date.now() - HOUR, reading });
  db.prepare("UPDATE facts SET value = ? WHERE name = 'deliveries-read'").run(value);
  db.close();
  await world.standin.deliver(await world.standin.commit(repo, "main"), {});
  const from = world.log.length;
  await world.start();
  world.sweep();
  await world.line(({ event }) => event === "deliveries_unreadable", from);
  await passed(world);
  await world.line(({ event }) => event === "deliveries_recovered", from);
});

test("the first reading of the log does not compare repositories that are being cloned", async () => {
  const world = await World.create({ INTERVAL: "1h" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await untilState(world, "acme/app", ({ queued, running }) => !queued && !running);
  const isRead = async () => {
    const { deliveries, queue } = await statusOf(world);
    return deliveries.lastReadAt !== null && queue.depth === 0;
  };
  await expect.poll(isRead).toBe(true);
  expect(world.refreshes().map(({ result }) => result)).toEqual(["cloned"]);
});
