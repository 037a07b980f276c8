import { join } from "node:path";
import { createPlacement } from "../../src/cluster/placement.js";
import { freePort, type Lockstep, startLockstep } from "../lockstep.js";
import { refsInFiles } from "../refs-in-files.js";
import { type Push, type Repo, type StandIn, startStandIn } from "../standin/index.js";
import { type Network, type OnEnd, openNetworkTo, type RedisServer, startRedisIn } from "./redis.js";

export const TOKEN = "token-of-the-tests-0123456789";

export interface ClusterNode {
  name: string;
  dataDir: string;
  /** Its share; 0: it only receives. */
  weight: number;
  lockstep: Lockstep;
  /** The network between the node and Redis. */
  network: Network;
  /** Starts the node again on its address, after an end. @param root the directory of the package that runs from now on */
  restart(env?: Record<string, string>, root?: string): Promise<void>;
}

/** Nodes in processes of their own, with a stand-in for GitHub and a real Redis. */
export interface Cluster {
  standin: StandIn;
  redis: RedisServer;
  nodes: Map<string, ClusterNode>;
  start(name: string, env?: Record<string, string>): Promise<ClusterNode>;
  node(name: string): ClusterNode;
  /** GitHub sends a push to a node. @returns the status of its answer; 0: it cannot be reached */
  deliver(push: Push, to: ClusterNode): Promise<number>;
  /** Returns the names of the nodes that own the repository by a node's own placement. */
  ownersOf(repo: Repo): string[];
  /** Lists the refs in which the mirrors of all owners differ from GitHub. */
  faults(repos: readonly Repo[], owners?: (repo: Repo) => string[]): string[];
}

export interface ClusterOptions {
  /** Settings of every node. */
  env?: Record<string, string>;
  /** Makes a directory that goes with the cluster. */
  tempDir(): string;
  onEnd: OnEnd;
}

/** What a fault ends with where an owner has no mirror. */
export const NO_MIRROR = "there is no mirror";

/** A machine that runs several nodes under load starts another one slowly, in milliseconds. */
const READY_MS = 120_000;

/** What is a matter of minutes in operation is one of seconds here. */
const NODE_ENV = { NODE_DEAD: "10s", NODE_TIMEOUT: "60s" };

export async function openCluster({ env: shared = {}, tempDir, onEnd }: ClusterOptions): Promise<Cluster> {
  const standin = await startStandIn();
  onEnd(() => standin.close());
  const redis = await startRedisIn(tempDir(), onEnd);
  const nodes = new Map<string, ClusterNode>();

  async function launch(
    name: string,
    dataDir: string,
    port: number,
    url: string,
    env: Record<string, string>,
    root?: string,
  ) {
    const lockstep = await startLockstep({
      standin,
      root,
      dataDir,
      port,
      readyTimeoutMs: READY_MS,
      env: {
        API_TOKEN: TOKEN,
        INTERVAL: "24h",
        NODE_NAME: name,
        NODE_URL: `http://127.0.0.1:${port}`,
        CLUSTER_SECRET: "a-secret-of-all-nodes-in-tests",
        REDIS_URL: url,
        ...NODE_ENV,
        ...shared,
        ...env,
      },
    });
    onEnd(async () => void (await lockstep.kill9()));
    return lockstep;
  }

  async function start(name: string, env: Record<string, string> = {}): Promise<ClusterNode> {
    const [dataDir, port, network] = [tempDir(), await freePort(), await openNetworkTo(redis.url, onEnd)];
    const node: ClusterNode = {
      name,
      dataDir,
      weight: env.ROLE === "receiver" ? 0 : 1,
      network,
      lockstep: await launch(name, dataDir, port, network.url, env),
      async restart(more = {}, root) {
        node.lockstep = await launch(name, dataDir, port, network.url, { ...env, ...more }, root);
      },
    };
    nodes.set(name, node);
    return node;
  }

  const cluster: Cluster = {
    standin,
    redis,
    nodes,
    start,
    node(name) {
      const found = nodes.get(name);
      if (!found) throw new Error(`there is no node ${name}`);
      return found;
    },
    async deliver(push, to) {
      // GitHub's log has a delivery that reached nobody, too.
      const sent = standin.deliver(push, { to: to.lockstep.webhookUrl });
      return sent.then(
        ({ status }) => status,
        () => 0,
      );
    },
    ownersOf({ id }) {
      const replicas = Number(shared.REPLICAS ?? 1);
      return createPlacement([...nodes.values()], replicas).ownersOf(id);
    },
    faults(repos, owners = cluster.ownersOf) {
      const found: string[] = [];
      for (const repo of repos)
        for (const name of owners(repo)) {
          const fault = differenceOf(repo, cluster.node(name).dataDir);
          if (fault) found.push(`node ${name}, ${repo.owner}/${repo.name}: ${fault}`);
        }
      return found;
    },
  };
  return cluster;
}

/** @returns how many of the nodes are alive by the word of one of them */
export async function aliveBy({ lockstep }: Pick<ClusterNode, "lockstep">): Promise<number> {
  const { nodes } = (await (await lockstep.api("/api/v1/nodes")).json()) as { nodes: { state: string }[] };
  return nodes.filter(({ state }) => state === "alive").length;
}

/** @returns what differs between a mirror and GitHub; null: nothing */
function differenceOf({ id, dir }: Repo, dataDir: string): string | null {
  const [has, wanted] = [refsInFiles(join(dataDir, "repos", String(id), "mirror.git")), refsInFiles(dir)];
  if (!has || !wanted) return NO_MIRROR;
  const refs = new Set([...has.keys(), ...wanted.keys()]);
  const found = [...refs].filter(
    (ref) => !ref.startsWith("refs/lockstep/") && has.get(ref) !== wanted.get(ref),
  );
  return found.length === 0 ? null : `${found.join(", ")} differ`;
}
