import { setTimeout as sleep } from "node:timers/promises";
import { startTraffic, type Traffic } from "../cluster/traffic.js";
import { aliveBy, type Cluster, type ClusterNode, openCluster } from "../cluster/world.js";
import { Random } from "../random.js";
import type { Releasers } from "../releasers.js";
import type { Repo } from "../standin/index.js";

/** Owners, and the node that GitHub calls and that owns nothing. */
export const OWNERS = ["a", "b", "c"];
export const DOOR = "door";
/** With a pass every few seconds the nodes would use up GitHub's hourly limit within minutes. */
const LIMIT = 1_000_000;
/** The backstop finds what no delivery has brought within seconds instead of minutes. */
const ENV = { INTERVAL: "10s", SHUTDOWN_TIMEOUT: "1s", MIN_FREE_DISK: "0" };
/** A busy machine clones slowly. */
const CLONED_MS = 300_000;
const LOOK_MS = 100;
/** Between two deliveries, in milliseconds. */
const PAUSE_MS = 5;
const PUSHERS = 4;

export interface Scene {
  cluster: Cluster;
  repos: readonly Repo[];
  random: Random;
  /** How often each answer to a delivery came so far; 0: the node could not be reached. */
  answers: Map<number, number>;
  /** Pushes until it is stopped; GitHub calls random nodes. */
  startTraffic(): Traffic;
  /** Returns the nodes that own a share. */
  owners(): ClusterNode[];
  door(): ClusterNode;
}

export interface SceneOptions {
  seed: number;
  repositories: number;
  replicas: number;
  /** How many times as many deliveries each fault has at least. */
  load: number;
  tempDir(): string;
  releasers: Releasers;
}

/** Starts three nodes and a receiver that have everything in step, and the traffic. */
export async function openScene(options: SceneOptions): Promise<Scene> {
  const { seed, replicas, load, tempDir, releasers } = options;
  const onEnd = (release: () => void | Promise<void>) => releasers.add(release);
  const cluster = await openCluster({ env: { ...ENV, REPLICAS: String(replicas) }, tempDir, onEnd });
  cluster.standin.limits.installation = LIMIT;
  cluster.standin.limits.app = LIMIT;
  const names = Array.from({ length: options.repositories }, (_, n) => `r${n}`);
  const repos = await cluster.standin.createRepositories(cluster.standin.createInstallation("acme"), names);
  await Promise.all([
    ...OWNERS.map((name) => cluster.start(name)),
    cluster.start(DOOR, { ROLE: "receiver", REPLICAS: String(replicas) }),
  ]);
  await waitUntil("the first clones", () => cluster.faults(repos).length === 0);
  for (const node of cluster.nodes.values())
    await waitUntil("all nodes to know each other", async () => (await aliveBy(node)) === cluster.nodes.size);
  const random = new Random(seed);
  const answers = new Map<number, number>();
  return {
    cluster,
    repos,
    random,
    answers,
    startTraffic() {
      const options = { pauseMs: PAUSE_MS, pushers: PUSHERS, answers };
      const traffic = startTraffic(cluster, repos, random, options);
      releasers.add(traffic.stop);
      return { ...traffic, more: (count) => traffic.more(count * load) };
    },
    owners: () => [...cluster.nodes.values()].filter(({ weight }) => weight > 0),
    door: () => cluster.node(DOOR),
  };
}

/** @throws Error when it does not become true in time */
export async function waitUntil(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = CLONED_MS,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!(await Promise.resolve(isSo()).catch(() => false))) {
    if (performance.now() > until) throw new Error(`waited ${timeoutMs / 1_000} s for ${what}`);
    await sleep(LOOK_MS);
  }
}
