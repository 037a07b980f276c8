import { join } from "node:path";
import Database from "libsql";
import { expect, onTestFinished, test } from "vitest";
import { startTraffic } from "../../tools/cluster/traffic.js";
import { Random } from "../../tools/random.js";
import { removeInUse } from "../../tools/remove-in-use.js";
import type { Repo } from "../../tools/standin/index.js";
import { aliveBy, createCluster, keptBy, type TestCluster } from "../support/nodes.js";

/** A pass finds what no delivery has brought, and the log of GitHub is read with it. */
const PASSES = { INTERVAL: "10s" };
const SEED = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const MINUTES = 60_000;

const until = (act: () => unknown) => expect.poll(act, { interval: 200 });

async function withRepositories({ standin }: TestCluster, count: number): Promise<Repo[]> {
  const installation = standin.createInstallation("acme");
  return standin.createRepositories(
    installation,
    Array.from({ length: count }, (_, n) => `r${n}`),
  );
}

/** Starts nodes that have everything in step. */
async function clusterOf(names: readonly string[], env: Record<string, string> = {}) {
  const cluster = await createCluster({ ...PASSES, ...env });
  const repos = await withRepositories(cluster, 8);
  const nodes = await Promise.all(
    names.map((name) => cluster.start(name, name === "door" ? { ROLE: "receiver" } : {})),
  );
  await until(() => cluster.faults(repos)).toEqual([]);
  // A receiver that has not heard of an owner yet answers 503, rightly.
  for (const node of nodes) await until(() => aliveBy(node)).toBe(names.length);
  const traffic = startTraffic(cluster, repos, new Random(SEED));
  onTestFinished(traffic.stop);
  return { cluster, repos, nodes, traffic };
}

/** What was created and deleted within an hour may go. */
function makeOld(dataDir: string): void {
  const db = new Database(join(dataDir, "lockstep.db"));
  for (const table of ["repositories", "directory"])
    db.exec(`UPDATE ${table} SET added_at = added_at - 7200000`);
  db.close();
}

test("the receiver is killed under load: what it has acknowledged, and what it has not, is in step", async () => {
  const { cluster, repos, nodes, traffic } = await clusterOf(["a", "b", "door"]);
  traffic.deliverTo(nodes[2]!);
  await traffic.more(30);
  await nodes[2]!.lockstep.kill9();
  await traffic.more(5);
  await traffic.stop();
  expect(traffic.answers.get(202)).toBeGreaterThanOrEqual(30);
  expect(traffic.answers.get(0)).toBeGreaterThanOrEqual(5);
  await until(() => cluster.faults(repos)).toEqual([]);
});

test("an owner is killed right after deliveries have reached it, and catches up with them", async () => {
  const { cluster, repos, nodes, traffic } = await clusterOf(["a", "b", "door"]);
  traffic.deliverTo(nodes[2]!);
  for (const node of nodes.slice(0, 2)) {
    await traffic.more(10);
    await node.lockstep.kill9();
    await traffic.more(5);
    await node.restart();
  }
  await traffic.stop();
  // A node that cannot pass a delivery on within a second answers 503, and finds it in GitHub's log.
  expect(traffic.answers.get(202)).toBeGreaterThan(10);
  expect([...traffic.answers.keys()].filter((status) => status !== 202 && status !== 503)).toEqual([]);
  await until(() => cluster.faults(repos)).toEqual([]);
});

test("Redis is killed and comes back empty, under load and with jobs of an owner that hangs: nothing moves, nothing is lost", async () => {
  const { cluster, repos, nodes, traffic } = await clusterOf(["a", "b"]);
  const [a, b] = [nodes[0]!, nodes[1]!];
  await traffic.more(10);
  traffic.deliverTo(a);
  process.kill(b.lockstep.pid, "SIGSTOP");
  await traffic.more(10);
  await cluster.redis.kill();
  await traffic.more(3);
  await cluster.redis.restart();
  process.kill(b.lockstep.pid, "SIGCONT");
  traffic.deliverTo(a, b);
  await traffic.more(10);
  await cluster.redis.client.flushall();
  await traffic.more(10);
  await traffic.stop();
  await until(() => cluster.faults(repos)).toEqual([]);
  const moved = nodes.flatMap(({ lockstep }) =>
    lockstep.log.filter(({ event }) => event === "repository_gone"),
  );
  for (const { why } of moved) expect(why).toBe("the nodes that own it have it");
});

test("what QUEUE_MAX leaves out for a node that hangs, it finds in GitHub's log, and says fresh only then", async () => {
  const cluster = await createCluster({ ...PASSES, INTERVAL: "24h", QUEUE_MAX: "100" });
  const repos = await withRepositories(cluster, 8);
  const [a, b] = await Promise.all([cluster.start("a"), cluster.start("b")]);
  await until(() => cluster.faults(repos)).toEqual([]);
  for (const node of [a, b]) await until(() => aliveBy(node)).toBe(2);
  const ofB = repos.filter((repo) => cluster.ownersOf(repo)[0] === "b");
  process.kill(b.lockstep.pid, "SIGSTOP");
  const full = () => cluster.redis.client.exists(`lockstep:${cluster.standin.appId}:left-out:b`);
  const pushes = await Promise.all(ofB.map((repo) => cluster.standin.commit(repo, "main")));
  // The length of a queue is read once a second.
  const fill = async () => {
    const statuses = await Promise.all(pushes.map((push) => cluster.deliver(push, a)));
    expect(new Set(statuses)).toEqual(new Set([202]));
    return full();
  };
  await expect.poll(fill, { interval: 10 }).toBe(1);
  for (const repo of ofB) await cluster.deliver(await cluster.standin.commit(repo, "late"), a);
  process.kill(b.lockstep.pid, "SIGCONT");
  await until(() => cluster.faults(repos)).toEqual([]);
  const problems = async () => {
    const status = (await (await b.lockstep.api("/api/v1/status")).json()) as {
      problems: { code: string }[];
    };
    return status.problems.map(({ code }) => code);
  };
  await until(problems).not.toContain("deliveries_left_out");
});

test("a node that is cut off from Redis, and one that starts without, go on with their work", async () => {
  const { cluster, repos, nodes, traffic } = await clusterOf(["a", "b"]);
  const [a, b] = [nodes[0]!, nodes[1]!];
  a.network.cut();
  await traffic.more(10);
  await b.lockstep.stop();
  b.network.cut();
  await b.restart();
  await traffic.more(10);
  await traffic.stop();
  await until(() => cluster.faults(repos)).toEqual([]);
  for (const { network } of nodes) network.mend();
  await until(() => cluster.faults(repos)).toEqual([]);
});

test("a node joins under load, leaves and comes back: every push is in the mirrors of those who own it", async () => {
  const { cluster, repos, traffic } = await clusterOf(["a", "b"]);
  const c = await cluster.start("c");
  await traffic.more(20);
  await c.lockstep.stop();
  await traffic.more(10);
  await c.restart();
  traffic.deliverTo(c);
  await traffic.more(20);
  await traffic.stop();
  await until(() => cluster.faults(repos)).toEqual([]);
});

test(
  "a node burns: after NODE_TIMEOUT the others have its share, and its successor gets it back",
  async () => {
    const { cluster, repos, nodes, traffic } = await clusterOf(["a", "b", "c"], {
      NODE_TIMEOUT: "60s",
    });
    const [a, b, c] = [nodes[0]!, nodes[1]!, nodes[2]!];
    traffic.deliverTo(a, b);
    await traffic.more(5);
    // A node goes on with what it had before the owner until it has asked that one.
    for (const node of nodes) await until(() => keptBy(node)).toEqual([0, 0, 0]);
    await c.lockstep.kill9();
    await removeInUse(c.dataDir);
    const ofC = repos.filter((repo) => cluster.ownersOf(repo)[0] === "c");
    expect(ofC).not.toEqual([]);
    cluster.nodes.delete("c");
    await traffic.more(5);
    await traffic.stop();
    // Mirrors that were made before the nodes knew each other are out of date now.
    for (const repo of ofC) await cluster.deliver(await cluster.standin.commit(repo, "main"), a);
    await until(() => cluster.faults(repos)).toEqual([]);
    await c.restart();
    cluster.nodes.set("c", c);
    for (const repo of repos) await cluster.deliver(await cluster.standin.commit(repo, "main"), a);
    await until(() => cluster.faults(repos)).toEqual([]);
  },
  10 * MINUTES,
);

test("a list that lacks a quarter of the repositories while a node joins makes nothing disappear", async () => {
  const cluster = await createCluster(PASSES);
  const repos = await withRepositories(cluster, 48);
  const a = await cluster.start("a");
  await until(() => cluster.faults(repos)).toEqual([]);
  await a.lockstep.stop();
  makeOld(a.dataDir);
  for (const repo of repos.slice(0, 12)) cluster.standin.removeRepository(repo);
  // Nodes believe a list for a minute. From that one the new node would try to clone what GitHub no longer has.
  await cluster.redis.client.flushall();
  await a.restart();
  const b = await cluster.start("b");
  const rest = repos.slice(12);
  await until(() => cluster.faults(rest)).toEqual([]);
  for (const { lockstep } of [a, b])
    expect(
      lockstep.log.filter(
        ({ event, why }) => event === "repository_gone" && why !== "the nodes that own it have it",
      ),
    ).toEqual([]);
});
