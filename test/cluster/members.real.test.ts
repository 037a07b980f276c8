import { expect, test } from "vitest";
import { NodeNameTaken } from "../../src/cluster/pulse.js";
import { DEAD_MS, startMember, TEST_CLUSTER, type TestMember, TIMEOUT_MS } from "../support/cluster-node.js";
import { openNetwork, type RedisServer, startRedis } from "../support/redis.js";

const IDS = Array.from({ length: 500 }, (_, n) => n * 31 + 1);
const ownersBy = ({ members }: TestMember) => IDS.map((id) => members.placement().ownersOf(id)[0]);
const until = (act: () => unknown) => expect.poll(act, { interval: 20 });

async function startThree(redis: RedisServer, url = redis.url) {
  const nodes = [];
  for (const name of ["a", "b", "c"])
    nodes.push(await startMember({ name, url: name === "c" ? url : redis.url }));
  for (const node of nodes) await node.start();
  await allKnowAll(nodes);
  for (const node of nodes) node.moves();
  return nodes as [TestMember, TestMember, TestMember];
}

async function allKnowAll(nodes: TestMember[]) {
  const names = nodes.map(({ name }) => name);
  for (const node of nodes) await until(node.names).toEqual(names);
  for (const node of nodes) await until(() => node.pulse.state().isBeating).toBe(true);
}

/** What must not happen can only be waited out. */
async function pass(ms: number) {
  const end = performance.now() + ms;
  await expect.poll(() => performance.now() > end).toBe(true);
}

test("nodes find each other, and each says the same about every repository", async () => {
  const nodes = await startThree(await startRedis());
  const [first, ...others] = nodes.map(ownersBy);
  for (const other of others) expect(other).toEqual(first);
  expect(new Set(first)).toEqual(new Set(["a", "b", "c"]));
});

test("a node that falls silent serves no reads after NODE_DEAD, and loses its share after NODE_TIMEOUT", async () => {
  const redis = await startRedis();
  const [a, b, c] = await startThree(redis);
  const before = ownersBy(a);
  await c.kill();
  await until(a.alive).toEqual(["a", "b"]);
  expect(ownersBy(a)).toEqual(before);
  await until(() => ownersBy(a).includes("c")).toBe(false);
  expect(a.names()).toEqual(["a", "b", "c"]);
  // Only the share of the dead node has moved.
  expect(ownersBy(a).filter((owner, n) => owner !== before[n] && before[n] !== "c")).toEqual([]);
  // It comes back with its DATA_DIR, and everything is as it was.
  const returned = await startMember({ name: "c", url: redis.url, dataDir: c.dataDir });
  await returned.start();
  for (const node of [a, b, returned]) await until(() => ownersBy(node)).toEqual(before);
});

test("Redis is emptied under way, and nothing moves", async () => {
  const redis = await startRedis();
  const nodes = await startThree(redis);
  for (let round = 0; round < 5; round++) {
    await redis.client.flushall();
    await pass(TIMEOUT_MS / 4);
  }
  for (const node of nodes) expect(node.alive()).toEqual(["a", "b", "c"]);
  expect(nodes.map((node) => node.moves())).toEqual([0, 0, 0]);
});

test("Redis is away for longer than NODE_TIMEOUT and comes back empty, and nothing moves", async () => {
  const redis = await startRedis();
  const nodes = await startThree(redis);
  await redis.kill();
  await pass(TIMEOUT_MS + DEAD_MS);
  for (const node of nodes) expect(node.pulse.state().isBeating).toBe(false);
  for (const node of nodes) expect(node.alive()).toEqual(["a", "b", "c"]);
  await redis.restart();
  await allKnowAll(nodes);
  await pass(TIMEOUT_MS / 2);
  expect(nodes.map((node) => node.moves())).toEqual([0, 0, 0]);
});

test("Redis hangs for longer than NODE_TIMEOUT and goes on, and nothing moves", async () => {
  const redis = await startRedis();
  const nodes = await startThree(redis);
  redis.signal("SIGSTOP");
  await pass(TIMEOUT_MS + DEAD_MS);
  redis.signal("SIGCONT");
  await allKnowAll(nodes);
  await pass(TIMEOUT_MS / 2);
  expect(nodes.map((node) => node.moves())).toEqual([0, 0, 0]);
});

test("Redis is full: no beat can be written, and nobody takes that for a death", async () => {
  const redis = await startRedis();
  const nodes = await startThree(redis);
  await redis.client.config("SET", "maxmemory", "1");
  await until(() => nodes.some((node) => node.pulse.state().isBeating)).toBe(false);
  await pass(TIMEOUT_MS + DEAD_MS);
  await redis.client.config("SET", "maxmemory", "0");
  await allKnowAll(nodes);
  expect(nodes.map((node) => node.moves())).toEqual([0, 0, 0]);
});

test("a node that is cut off from Redis moves nothing, and the others take its share over", async () => {
  const redis = await startRedis();
  const network = await openNetwork(redis.url);
  const [a, b, c] = await startThree(redis, network.url);
  const before = ownersBy(a);
  network.cut();
  await until(() => ownersBy(a).includes("c") || ownersBy(b).includes("c")).toBe(false);
  expect(ownersBy(c)).toEqual(before);
  network.mend();
  for (const node of [a, b, c]) await until(() => ownersBy(node)).toEqual(before);
  expect(c.moves()).toBe(0);
});

test("a connection that falls silent without a reset is opened again", async () => {
  const redis = await startRedis();
  const network = await openNetwork(redis.url);
  const [a, , c] = await startThree(redis, network.url);
  network.silence();
  await until(() => c.pulse.state().isBeating).toBe(false);
  await until(a.alive).toEqual(["a", "b"]);
  await until(a.alive).toEqual(["a", "b", "c"]);
  expect(c.moves()).toBe(0);
});

test("a node starts while Redis is away, knows its members, and joins as soon as Redis is there", async () => {
  const redis = await startRedis();
  const [a, b, c] = await startThree(redis);
  const before = ownersBy(a);
  await redis.kill();
  await c.kill();
  const started = await startMember({ name: "c", url: redis.url, dataDir: c.dataDir });
  await started.start();
  expect(ownersBy(started)).toEqual(before);
  await redis.restart();
  await allKnowAll([a, b, started]);
  expect([a, b, started].map((node) => node.moves())).toEqual([0, 0, 0]);
});

test("a name belongs to one DATA_DIR for as long as that gives signs of life", async () => {
  const redis = await startRedis();
  const first = await startMember({ name: "a", url: redis.url });
  await first.start();
  const second = await startMember({ name: "a", url: redis.url });
  await expect(second.start()).rejects.toThrow(NodeNameTaken);
  await second.kill();
  await pass(DEAD_MS * 1.5);
  expect(first.pulse.state()).toMatchObject({ isBeating: true, forged: 0 });
  // The machine burns; another one takes its name and its share.
  await first.kill();
  await until(() => redis.client.exists(`lockstep:${TEST_CLUSTER}:name:a`)).toBe(0);
  await (await startMember({ name: "a", url: redis.url })).start();
});

test("a name that was taken while Redis was away is reported as soon as Redis is there", async () => {
  const redis = await startRedis();
  await redis.kill();
  const nodes = [
    await startMember({ name: "a", url: redis.url }),
    await startMember({ name: "a", url: redis.url }),
  ];
  let reports = 0;
  for (const node of nodes) {
    node.pulse.onTaken(() => void reports++);
    await node.start();
  }
  await redis.restart();
  await until(() => reports > 0).toBe(true);
  expect(nodes.filter((node) => node.pulse.state().isBeating)).toHaveLength(1);
});

test("a removed node stays out, and a drained one owns nothing", async () => {
  const [a, b, c] = await startThree(await startRedis());
  a.roster.remove("c");
  a.members.refresh();
  await pass(DEAD_MS);
  expect(a.names()).toEqual(["a", "b"]);
  expect(c.pulse.state().isBeating).toBe(true);
  a.roster.readmit("c");
  await until(a.names).toEqual(["a", "b", "c"]);
  a.roster.setDrained("b", { isDrained: true });
  a.members.refresh();
  expect(new Set(ownersBy(a))).toEqual(new Set(["a", "c"]));
  expect(b.alive()).toEqual(["a", "b", "c"]);
});

test("a node that is about to stop says so at once, and keeps its share", async () => {
  const [a, , c] = await startThree(await startRedis());
  await c.pulse.leave();
  await until(() => a.members.get("c")?.isLeaving).toBe(true);
  expect(a.moves()).toBe(0);
});

test("a beat that no node of the cluster has signed is dropped and counted", async () => {
  const redis = await startRedis();
  const a = await startMember({ name: "a", url: redis.url });
  await a.start();
  const stranger = await startMember({ name: "stranger", url: redis.url, secret: "another secret" });
  await stranger.start();
  await redis.client.hset(`lockstep:${TEST_CLUSTER}:beats`, "b", "x".repeat(500));
  await until(() => a.pulse.state().forged > 3).toBe(true);
  expect(a.names()).toEqual(["a"]);
});
