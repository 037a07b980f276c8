import { Redis } from "ioredis";
import { expect, onTestFinished, test, vi } from "vitest";
import { createSeal } from "../../src/cluster/seal.js";
import { createSharedReads } from "../../src/cluster/shared-reads.js";
import { type RedisServer, startRedis } from "../support/redis.js";

const PREFIX = "lockstep:test";
const OPTIONS = { maxAgeMs: 60_000 };

/** What GitHub answers, page by page; `calls` counts how often it was asked. */
function source(...values: string[]) {
  const asked = { calls: 0 };
  async function* read() {
    asked.calls++;
    for (const value of values) {
      await new Promise(setImmediate);
      yield value;
    }
  }
  return { asked, read };
}

function nodeOf(
  { url }: RedisServer,
  {
    secret = "the secret of all nodes",
    since = Number.NEGATIVE_INFINITY,
    trip = { ms: 0, passedMs: 0 },
  } = {},
) {
  const redis = new Redis(url, {
    enableOfflineQueue: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 20,
  });
  redis.on("error", () => {});
  onTestFinished(() => redis.disconnect());
  const seal = createSeal({ secret, cluster: "test" });
  const ask = redis.time.bind(redis);
  // Redis reads its clock, and then its answer is on its way for `trip.ms`, by both clocks.
  vi.spyOn(redis, "time").mockImplementation(async () => {
    const [seconds, micros] = await ask();
    const read: [number, number] = [Number(seconds) + trip.passedMs / 1_000, Number(micros)];
    trip.passedMs += trip.ms;
    return read;
  });
  const clock = () => performance.now() + trip.passedMs;
  return createSharedReads({ redis, prefix: PREFIX, seal, clock, since });
}

async function valuesOf(
  reads: ReturnType<typeof nodeOf>,
  key: string,
  read: () => AsyncIterable<string>,
  options = OPTIONS,
) {
  const values: string[] = [];
  for await (const { value } of reads.pages(key, read, options)) values.push(value);
  return values;
}

test("whatever many nodes read at the same time is asked of GitHub once", async () => {
  const redis = await startRedis();
  const { asked, read } = source("one", "two", "three");
  const nodes = Array.from({ length: 6 }, () => nodeOf(redis));
  const all = await Promise.all(nodes.map((node) => valuesOf(node, "list:1", read)));
  expect(all).toEqual(nodes.map(() => ["one", "two", "three"]));
  expect(asked.calls).toBe(1);
});

test("what is older than wanted, or outdated by an event, is read again", async () => {
  const redis = await startRedis();
  const { asked, read } = source("one");
  const [a, b] = [nodeOf(redis), nodeOf(redis)];
  await valuesOf(a, "list:1", read);
  await valuesOf(b, "list:1", read);
  expect(asked.calls).toBe(1);
  b.outdate("list:1");
  await valuesOf(b, "list:1", read);
  expect(asked.calls).toBe(2);
  await valuesOf(a, "list:1", read);
  expect(asked.calls).toBe(2);
  await expect.poll(() => valuesOf(a, "list:1", read, { maxAgeMs: 0 }).then(() => asked.calls)).toBe(3);
});

test("a node that has just started uses no reading that began before it, and shares its own", async () => {
  const redis = await startRedis();
  const { asked, read } = source("one");
  const trip = { ms: 0, passedMs: 0 };
  const before = nodeOf(redis, { trip });
  await valuesOf(before, "list:1", read);
  const started = nodeOf(redis, { since: performance.now(), trip });
  // However long Redis takes to say what time it is.
  trip.ms = 3_000;
  await valuesOf(started, "list:1", read);
  expect(asked.calls).toBe(2);
  await valuesOf(started, "list:1", read);
  await valuesOf(before, "list:1", read);
  expect(asked.calls).toBe(2);
});

test("when everything is outdated, it is read once more for all nodes", async () => {
  const redis = await startRedis();
  const { asked, read } = source("one");
  const nodes = [nodeOf(redis), nodeOf(redis)] as const;
  for (const node of nodes) await valuesOf(node, "list:1", read);
  await nodes[0].outdateAll();
  for (const node of nodes) await valuesOf(node, "list:1", read);
  expect(asked.calls).toBe(2);
});

test("a page says how long ago GitHub was asked, by Redis's clock", async () => {
  const redis = await startRedis();
  const { read } = source("one");
  const from = Date.now();
  await valuesOf(nodeOf(redis), "list:1", read);
  await new Promise((resolve) => setTimeout(resolve, 300));
  for await (const { agoMs } of nodeOf(redis).pages("list:1", read, OPTIONS)) {
    expect(agoMs).toBeGreaterThanOrEqual(290);
    expect(agoMs).toBeLessThanOrEqual(Date.now() - from + 1_000);
  }
});

test("a reading that fails is shared with nobody, and keeps nobody waiting", async () => {
  const redis = await startRedis();
  const [a, b] = [nodeOf(redis), nodeOf(redis)];
  // biome-ignore lint/correctness/useYield: it fails before its first page
  async function* fails(): AsyncIterable<string> {
    throw new Error("not found");
  }
  await expect(valuesOf(a, "list:1", fails)).rejects.toThrow("not found");
  const { read } = source("one");
  expect(await valuesOf(b, "list:1", read)).toEqual(["one"]);
});

test("a node that dies while it reads is followed by another one", async () => {
  const redis = await startRedis();
  await redis.client.set(`${PREFIX}:reading:list:1`, "of a dead node", "PX", 500);
  const { asked, read } = source("one");
  expect(await valuesOf(nodeOf(redis), "list:1", read)).toEqual(["one"]);
  expect(asked.calls).toBe(1);
});

test("without Redis, and with one that was emptied, each node reads for itself", async () => {
  const redis = await startRedis();
  const { asked, read } = source("one", "two");
  const [a, b] = [nodeOf(redis), nodeOf(redis)];
  await valuesOf(a, "list:1", read);
  await redis.client.flushall();
  expect(await valuesOf(b, "list:1", read)).toEqual(["one", "two"]);
  expect(asked.calls).toBe(2);
  await redis.kill();
  expect(await valuesOf(a, "list:1", read)).toEqual(["one", "two"]);
  expect(asked.calls).toBe(3);
});

test("a list that no node of the cluster has written is not used", async () => {
  const redis = await startRedis();
  const stranger = nodeOf(redis, { secret: "another secret" });
  await valuesOf(stranger, "list:1", source("forged").read);
  expect(await valuesOf(nodeOf(redis), "list:1", source("right").read)).toEqual(["right"]);
});
