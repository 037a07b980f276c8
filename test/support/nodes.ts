import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { freePort, type Lockstep, startLockstep } from "../../tools/lockstep.js";
import { type Push, type Repo, type StandIn, startStandIn } from "../../tools/standin/index.js";
import { openNetwork, type RedisServer, startRedis } from "./redis.js";
import { refsInFiles } from "./refs.js";
import { tempDir } from "./temp.js";

export const TOKEN = "token-of-the-tests-0123456789";

export interface TestNode {
  name: string;
  dataDir: string;
  /** Its share; 0: it only receives. */
  weight: number;
  lockstep: Lockstep;
  /** The network between the node and Redis. */
  network: Awaited<ReturnType<typeof openNetwork>>;
  /** Starts the node again on its address, after an end. */
  restart(env?: Record<string, string>): Promise<void>;
}

/** Nodes in processes of their own, with a stand-in for GitHub and a real Redis. */
export interface TestCluster {
  standin: StandIn;
  redis: RedisServer;
  nodes: Map<string, TestNode>;
  start(name: string, env?: Record<string, string>): Promise<TestNode>;
  node(name: string): TestNode;
  /** GitHub sends a push to a node. @returns the status of its answer; 0: it cannot be reached */
  deliver(push: Push, to: TestNode): Promise<number>;
  /** Returns the names of the nodes that own the repository by a node's own placement. */
  ownersOf(repo: Repo): string[];
  /** Lists the refs in which the mirrors of all owners differ from GitHub. */
  faults(repos: readonly Repo[], owners?: (repo: Repo) => string[]): string[];
}

export const NODE_ENV = { NODE_DEAD: "10s", NODE_TIMEOUT: "60s" };

export async function createCluster(shared: Record<string, string> = {}): Promise<TestCluster> {
  const standin = await startStandIn();
  onTestFinished(() => standin.close());
  const redis = await startRedis();
  const nodes = new Map<string, TestNode>();
  const { createPlacement } = await import("../../src/cluster/placement.js");

  async function launch(
    name: string,
    dataDir: string,
    port: number,
    url: string,
    env: Record<string, string>,
  ) {
    const lockstep = await startLockstep({
      standin,
      dataDir,
      port,
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
    onTestFinished(async () => void (await lockstep.kill9()));
    return lockstep;
  }

  async function start(name: string, env: Record<string, string> = {}): Promise<TestNode> {
    const [dataDir, port, network] = [tempDir(), await freePort(), await openNetwork(redis.url)];
    const node: TestNode = {
      name,
      dataDir,
      weight: env.ROLE === "receiver" ? 0 : 1,
      network,
      lockstep: await launch(name, dataDir, port, network.url, env),
      async restart(more = {}) {
        node.lockstep = await launch(name, dataDir, port, network.url, { ...env, ...more });
      },
    };
    nodes.set(name, node);
    return node;
  }

  const cluster: TestCluster = {
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

/** @returns what differs between a mirror and GitHub; null: nothing */
function differenceOf({ id, dir }: Repo, dataDir: string): string | null {
  const [has, wanted] = [refsInFiles(join(dataDir, "repos", String(id), "mirror.git")), refsInFiles(dir)];
  if (!has || !wanted) return "there is no mirror";
  const refs = new Set([...has.keys(), ...wanted.keys()]);
  const found = [...refs].filter(
    (ref) => !ref.startsWith("refs/lockstep/") && has.get(ref) !== wanted.get(ref),
  );
  return found.length === 0 ? null : `${found.join(", ")} differ`;
}

/** Starts nodes that keep six repositories, and waits until every owner has its own. */
export async function startNodes(env: Record<string, string>, ...names: string[]) {
  const cluster = await createCluster({ INTERVAL: "10s", ...env });
  const installation = cluster.standin.createInstallation("acme");
  const repos = await cluster.standin.createRepositories(
    installation,
    Array.from({ length: 6 }, (_, n) => `r${n}`),
  );
  const nodes = await Promise.all(names.map((name) => cluster.start(name)));
  if (nodes.length > 0)
    await expect.poll(() => cluster.faults(repos), { timeout: 120_000, interval: 200 }).toEqual([]);
  return { cluster, repos, nodes };
}
