import { expect, onTestFinished } from "vitest";
import { aliveBy, openCluster } from "../../tools/cluster/world.js";
import { tempDir } from "./temp.js";

export {
  aliveBy,
  type Cluster as TestCluster,
  type ClusterNode as TestNode,
  TOKEN,
} from "../../tools/cluster/world.js";

/** Opens a cluster without a node, which ends with the test. */
export const createCluster = (env: Record<string, string> = {}) =>
  openCluster({ env, tempDir, onEnd: onTestFinished });

/**
 * Starts nodes that keep six repositories, and waits until every owner has its own and every node knows the others: one that
 * has not heard of the others believes that all is its own, also what another one tells of.
 */
export async function startNodes(env: Record<string, string>, ...names: string[]) {
  const cluster = await createCluster({ INTERVAL: "10s", ...env });
  const installation = cluster.standin.createInstallation("acme");
  const repos = await cluster.standin.createRepositories(
    installation,
    Array.from({ length: 6 }, (_, n) => `r${n}`),
  );
  const nodes = await Promise.all(names.map((name) => cluster.start(name)));
  const patience = { timeout: 120_000, interval: 200 };
  if (nodes.length > 0) await expect.poll(() => cluster.faults(repos), patience).toEqual([]);
  for (const node of nodes) await expect.poll(() => aliveBy(node), patience).toBe(nodes.length);
  return { cluster, repos, nodes };
}
