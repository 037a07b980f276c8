import { Queue } from "bullmq";
import { expect, onTestFinished, test } from "vitest";
import { connect } from "../../../src/cluster/connection.js";
import { type JobData, writeJob } from "../../../src/cluster/handover/job.js";
import { leftOutKeyOf } from "../../../src/cluster/handover/left-out.js";
import { queueOf } from "../../../src/cluster/handover/sender.js";
import { startTaker } from "../../../src/cluster/handover/taker.js";
import { createSeal } from "../../../src/cluster/seal.js";
import { TEST_CLUSTER, TEST_SECRET } from "../../support/cluster-node.js";
import { type HandoverNode, startHandoverNode } from "../../support/handover-node.js";
import { openNetwork, type RedisServer, startRedis } from "../../support/redis.js";

const until = (act: () => unknown) => expect.poll(act, { interval: 10 });
type Options = Omit<Parameters<typeof startHandoverNode>[0], "name" | "url">;

async function startAll(redis: RedisServer, ...nodes: ({ name: string; url?: string } & Options)[]) {
  const started = [];
  for (const options of nodes) started.push(await startHandoverNode({ url: redis.url, ...options }));
  for (const node of started) await node.start();
  for (const node of started) await until(node.alive).toEqual(nodes.map(({ name }) => name));
  return started;
}

/** Returns a repository that belongs to a node first. */
function repositoryOf(owner: string, { members }: HandoverNode): number {
  for (let id = 1; ; id++) if (members.placement().ownersOf(id)[0] === owner) return id;
}

const jobsOf = (node: string, redis: RedisServer) =>
  new Queue<JobData>(queueOf(node), { connection: redis.client, prefix: `lockstep:${TEST_CLUSTER}` });

const handed = (id: string, repositoryId: number) => ({
  hops: 0,
  delivery: { id, event: "push", action: null, via: "webhook" as const, receivedAt: 0, repositoryId },
  decision: {
    kind: "request" as const,
    subject: { kind: "repository" as const, id: repositoryId },
    intent: { trigger: "push" as const, hints: [], full: true },
  },
});

test("each delivery reaches its owner and nobody else, whichever node GitHub calls", async () => {
  const nodes = await startAll(await startRedis(), { name: "a" }, { name: "b" }, { name: "door", weight: 0 });
  const placement = nodes[0]!.members.placement();
  const ids = Array.from({ length: 120 }, (_, n) => n + 1);
  const answers = await Promise.all(ids.map((id) => nodes[id % 3]!.deliver(`guid-${id}`, id)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  for (const id of ids)
    for (const node of nodes)
      await until(() => node.has(`guid-${id}`)).toBe(placement.ownersOf(id).includes(node.name));
  // The node that GitHub called knows of the call.
  for (const id of ids) expect(nodes[id % 3]!.log.isKnown(`guid-${id}`)).toBe(true);
});

test("with REPLICAS=2 both owners get a delivery, also one that is done on the node that GitHub calls", async () => {
  const replicas = 2;
  const nodes = await startAll(
    await startRedis(),
    { name: "a", replicas },
    { name: "b", replicas },
    { name: "c", replicas },
  );
  const [a, b, c] = nodes as [HandoverNode, HandoverNode, HandoverNode];
  const id = repositoryOf("a", a);
  const second = a.members.placement().ownersOf(id)[1];
  for (const node of nodes) {
    await node.deliver(`guid-${node.name}`, id);
    for (const it of nodes)
      await until(() => it.has(`guid-${node.name}`)).toBe(it === a || it.name === second);
  }
  a.log.settle({ kind: "repository", id }, 1, []);
  const other = second === "b" ? b : c;
  other.log.settle({ kind: "repository", id }, 1, []);
  await a.deliver("guid-again", id);
  await until(() => other.has("guid-again")).toBe(true);
});

test("202 means that Redis has the delivery: its owner may be away", async () => {
  const redis = await startRedis();
  const [a, b] = (await startAll(redis, { name: "a" }, { name: "b" })) as [HandoverNode, HandoverNode];
  const id = repositoryOf("b", a);
  await b.kill();
  expect((await a.deliver("guid-1", id)).status).toBe(202);
  expect(await jobsOf("b", redis).getWaitingCount()).toBe(1);
  const returned = await startHandoverNode({ name: "b", url: redis.url, dataDir: b.dataDir });
  await until(() => returned.has("guid-1")).toBe(true);
  expect(await jobsOf("b", redis).getJobCountByTypes("completed", "failed", "waiting", "delayed")).toBe(0);
});

test("without Redis a delivery goes to its owner as GitHub sent it; 503 only if the owner is away, too", async () => {
  const redis = await startRedis();
  const [a, b] = (await startAll(redis, { name: "a" }, { name: "b" })) as [HandoverNode, HandoverNode];
  const [mine, others] = [repositoryOf("a", a), repositoryOf("b", a)];
  await redis.kill();
  expect((await a.deliver("guid-1", others)).status).toBe(202);
  expect(b.has("guid-1")).toBe(true);
  expect(a.has("guid-1")).toBe(false);
  await b.kill();
  expect(await a.deliver("guid-2", others)).toMatchObject({
    status: 503,
    text: expect.stringContaining("stored"),
  });
  expect((await a.deliver("guid-3", mine)).status).toBe(202);
  expect(a.has("guid-3")).toBe(true);
});

test("GitHub gets its answer while Redis hangs, and the owner the delivery", async () => {
  const redis = await startRedis();
  const [a, b] = (await startAll(redis, { name: "a" }, { name: "b" })) as [HandoverNode, HandoverNode];
  const id = repositoryOf("b", a);
  await a.deliver("guid-0", id);
  await until(() => b.taker.state().taken).toBe(1);
  redis.signal("SIGSTOP");
  expect((await a.deliver("guid-1", id)).status).toBe(202);
  expect(b.has("guid-1")).toBe(true);
  redis.signal("SIGCONT");
  // What was added late is the same delivery once more.
  await until(() => b.taker.state().taken).toBe(2);
});

test("nodes that start while Redis is away answer GitHub all the same", async () => {
  const redis = await startRedis();
  const [a, b] = (await startAll(redis, { name: "a" }, { name: "b" })) as [HandoverNode, HandoverNode];
  await redis.kill();
  await a.kill();
  const started = await startHandoverNode({ name: "a", url: redis.url, dataDir: a.dataDir });
  await started.start();
  expect((await started.deliver("guid-1", repositoryOf("b", started))).status).toBe(202);
  expect(b.has("guid-1")).toBe(true);
  await redis.restart();
  expect((await started.deliver("guid-2", repositoryOf("b", started))).status).toBe(202);
  await until(() => b.has("guid-2")).toBe(true);
});

test("two nodes that disagree about the owner never pass a delivery back and forth", async () => {
  const redis = await startRedis();
  const [a, b] = (await startAll(redis, { name: "a" }, { name: "b" })) as [HandoverNode, HandoverNode];
  const id = repositoryOf("b", a);
  b.roster.setDrained("b", { isDrained: true });
  b.members.refresh();
  // By Redis it goes back once, and a takes it for nobody's.
  expect((await a.deliver("guid-1", id)).status).toBe(202);
  await until(() => a.taker.state().taken).toBe(1);
  expect(b.log.isKnown("guid-1")).toBe(true);
  expect([a.has("guid-1"), b.has("guid-1")]).toEqual([false, false]);
  // Without Redis b says that it is not the owner, and GitHub hears that nobody has it.
  await redis.kill();
  expect((await a.deliver("guid-2", id)).status).toBe(503);
  expect([a.has("guid-2"), b.has("guid-2")]).toEqual([false, false]);
});

test("a forged job does nothing, is counted, and holds up nobody", async () => {
  const redis = await startRedis();
  const [a, b] = (await startAll(redis, { name: "a" }, { name: "b" })) as [HandoverNode, HandoverNode];
  const id = repositoryOf("b", a);
  const forger = createSeal({ secret: "a secret that somebody guessed", cluster: TEST_CLUSTER });
  const right = createSeal({ secret: TEST_SECRET, cluster: TEST_CLUSTER });
  const signed = writeJob(right, handed("guid-2", id), 1).sealed;
  const queue = jobsOf("b", redis);
  const jobs: unknown[] = [
    writeJob(forger, handed("guid-1", id), 1),
    { sealed: signed.replace("guid-2", "guid-3") },
    { sealed: right.close("beat", signed.slice(43)) },
    { sealed: right.close("delivery", '{"format":1}') },
    { sealed: right.close("delivery", "no JSON") },
    { sealed: 7 },
    "text",
    null,
  ];
  for (const data of jobs) await queue.add("push", data as JobData);
  await a.deliver("guid-4", id);
  await until(() => b.has("guid-4")).toBe(true);
  await until(() => b.taker.state()).toEqual({ taken: 1, forged: jobs.length, newer: 0 });
  for (const guid of ["guid-1", "guid-2", "guid-3"]) expect(b.log.isKnown(guid)).toBe(false);
});

test("a job of a later version waits, and does not hold up those that this version reads", async () => {
  const redis = await startRedis();
  const [a, b] = (await startAll(redis, { name: "a" }, { name: "b" })) as [HandoverNode, HandoverNode];
  const sealed = a.seal.close("delivery", JSON.stringify({ format: 99, whatever: "it means" }));
  await jobsOf("b", redis).add("push", { sealed });
  await a.deliver("guid-1", repositoryOf("b", a));
  await until(() => b.has("guid-1")).toBe(true);
  await until(() => b.taker.state().newer >= 2).toBe(true);
  expect(b.taker.state().forged).toBe(0);
});

test("an owner whose disk fails for a while takes the delivery later", async () => {
  let failures = 2;
  const beforeStore = () => {
    if (failures-- > 0) throw new Error("database or disk is full");
  };
  const nodes = await startAll(await startRedis(), { name: "a" }, { name: "b", beforeStore });
  const [a, b] = nodes as [HandoverNode, HandoverNode];
  expect((await a.deliver("guid-1", repositoryOf("b", a))).status).toBe(202);
  await until(() => b.has("guid-1")).toBe(true);
  expect(failures).toBe(-1);
});

test("a node whose own disk fails lets the second owner take the delivery", async () => {
  const beforeStore = () => {
    throw new Error("database or disk is full");
  };
  const nodes = await startAll(
    await startRedis(),
    { name: "a", replicas: 2, beforeStore },
    { name: "b", replicas: 2 },
  );
  const [a, b] = nodes as [HandoverNode, HandoverNode];
  expect((await a.deliver("guid-1", repositoryOf("a", a))).status).toBe(202);
  await until(() => b.has("guid-1")).toBe(true);
});

test("for a node that is away no more than QUEUE_MAX deliveries wait, and GitHub is answered 202 all the same", async () => {
  const redis = await startRedis();
  const [a, b] = (await startAll(redis, { name: "a", queueMax: 5 }, { name: "b" })) as [
    HandoverNode,
    HandoverNode,
  ];
  const id = repositoryOf("b", a);
  await b.kill();
  const queue = jobsOf("b", redis);
  for (let n = 0; n < 20; n++) await queue.add("push", { sealed: "x" });
  await until(async () => a.sender.send("b", handed(`guid-${performance.now()}`, id))).toBe("full");
  const before = await queue.getWaitingCount();
  expect((await a.deliver("guid-1", id)).status).toBe(202);
  expect(await queue.getWaitingCount()).toBe(before);
});

test("a node that has heard of what was left out hears again of what was left out right after", async () => {
  const redis = await startRedis();
  const [a, b] = (await startAll(redis, { name: "a", queueMax: 5 }, { name: "b" })) as [
    HandoverNode,
    HandoverNode,
  ];
  await b.kill();
  const queue = jobsOf("b", redis);
  for (let n = 0; n < 20; n++) await queue.add("push", { sealed: "x" });
  const send = () => a.sender.send("b", handed(`guid-${performance.now()}`, repositoryOf("b", a)));
  const key = leftOutKeyOf(`lockstep:${TEST_CLUSTER}`, "b");
  await until(send).toBe("full");
  await until(() => redis.client.get(key)).not.toBeNull();
  // Both within one second, as b may hear between two deliveries.
  await redis.client.del(key);
  expect(await send()).toBe("full");
  await until(() => redis.client.get(key)).not.toBeNull();
});

test("a worker that dies with a job in its hands loses it to the next one", async () => {
  const redis = await startRedis();
  const network = await openNetwork(redis.url);
  const seal = createSeal({ secret: TEST_SECRET, cluster: TEST_CLUSTER });
  const common = { prefix: `lockstep:${TEST_CLUSTER}`, seal, node: "b" };
  const taken: string[] = [];
  const takeFrom = async (url: string, take: () => Promise<void>) => {
    const connection = await connect(url, { kind: "working", onError() {} });
    onTestFinished(() => connection.disconnect());
    await startTaker({
      ...common,
      redis: connection,
      onLater() {},
      take({ delivery }) {
        taken.push(delivery.id);
        return take();
      },
    });
  };
  await takeFrom(network.url, () => new Promise(() => {}));
  await jobsOf("b", redis).add("push", writeJob(seal, handed("guid-1", 7), 1), {
    jobId: "d-guid-1",
    removeOnComplete: true,
  });
  await until(() => taken).toEqual(["guid-1"]);
  network.cut();
  await takeFrom(redis.url, async () => {});
  await until(() => taken).toEqual(["guid-1", "guid-1"]);
  await until(() => redis.client.exists(`lockstep:${TEST_CLUSTER}:deliveries-b:d-guid-1`)).toBe(0);
});
