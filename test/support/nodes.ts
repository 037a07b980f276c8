import { expect, onTestFinished } from "vitest";
import type { NodeView } from "../../src/http/nodes.js";
import { aliveBy, type ClusterNode, openCluster } from "../../tools/cluster/world.js";
import { tempDir } from "./temp.js";

export {
  aliveBy,
  type Cluster as TestCluster,
  type ClusterNode as TestNode,
  TOKEN,
} from "../../tools/cluster/world.js";

/**
 * Opens a cluster without a node, which ends with the test. The share of a node that is dead stays its own unless the test
 * sets NODE_TIMEOUT: on a busy machine, a minute passes before a test has looked.
 */
export const createCluster = (env: Record<string, string> = {}) =>
  openCluster({ env: { NODE_TIMEOUT: "1h", ...env }, tempDir, onEnd: onTestFinished });

/** @returns how many repositories each node keeps that are another's, by the word of one of them; null: it does not know yet */
export async function keptBy({ lockstep }: ClusterNode): Promise<(number | null)[]> {
  const { nodes } = (await (await lockstep.api("/api/v1/nodes")).json()) as { nodes: NodeView[] };
  return nodes.map(({ kept }) => kept);
}

/**
 * Starts nodes that keep six repositories, and waits until every owner has its own, every node knows the others, and none
 * keeps what is another's: a node that has not heard of the others believes that all is its own, and brings, and tells of,
 * what it has until the owner has it.
 */
export async function startNodes(env: Record<string, string>, ...names: string[]) {
  const cluster = await createCluster({ INTERVAL: "10s", ...env });
  const installation = cluster.standin.createInstallation("acme");
  const repos = await cluster.standin.createRepositories(
    installation,
    Array.from({ length: 6 }, (_, n) => `r${n}`),
  );
  const nodes = await Promise.all(names.map((name) => cluster.start(name)));
  const patience = { interval: 200 };
  if (nodes.length > 0) await expect.poll(() => cluster.faults(repos), patience).toEqual([]);
  for (const node of nodes) await expect.poll(() => aliveBy(node), patience).toBe(nodes.length);
  for (const node of nodes) await expect.poll(() => keptBy(node), patience).toEqual(nodes.map(() => 0));
  return { cluster, repos, nodes };
}
