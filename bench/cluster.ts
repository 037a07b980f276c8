import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { aliveBy, type Cluster, openCluster } from "../tools/cluster/world.js";
import { Releasers } from "../tools/releasers.js";
import { removeInUse } from "../tools/remove-in-use.js";
import type { Repo } from "../tools/standin/index.js";
import { progress } from "../tools/terminal.js";

interface Options {
  /** What ends with the program. */
  outer: Releasers;
  nodes: number;
  repositories: number;
  /** How many other repositories GitHub lists, which REPOSITORIES leaves out; default none. */
  others?: number;
}

/** What a busy machine needs at most to start everything, and to clone one repository. Milliseconds. */
const START_MS = 300_000;
const CLONE_MS = 500;
/** Everything on one machine: readers of the log, beats and sweeps are not part of what is measured. */
const ENV = { INTERVAL: "off", MIN_FREE_DISK: "0" };

/** Starts a cluster, calls `act` once each owner has its mirrors in step, and ends the cluster. */
export async function withCluster<T>(
  { outer, nodes, repositories, others = 0 }: Options,
  act: (cluster: Cluster, repos: readonly Repo[]) => Promise<T>,
): Promise<T> {
  const releasers = new Releasers();
  outer.add(() => releasers.release());
  const tempDir = () => {
    const dir = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
    releasers.add(() => removeInUse(dir));
    return dir;
  };
  try {
    const env = { ...ENV, REPOSITORIES: "acme/r*" };
    const cluster = await openCluster({ env, tempDir, onEnd: (release) => releasers.add(release) });
    const named = (letter: string, count: number) => Array.from({ length: count }, (_, n) => `${letter}${n}`);
    const installation = cluster.standin.createInstallation("acme");
    const repos = await cluster.standin.createRepositories(installation, named("r", repositories));
    await cluster.standin.createRepositories(installation, named("other", others));
    await Promise.all(Array.from({ length: nodes }, (_, n) => cluster.start(`node-${n + 1}`)));
    const until = performance.now() + START_MS + CLONE_MS * repositories;
    const left = async () => {
      const alive = await Promise.all([...cluster.nodes.values()].map(aliveBy));
      return alive.every((known) => known === nodes) ? cluster.faults(repos).length : repositories;
    };
    for (let count = await left(); count > 0; count = await left()) {
      progress(`${nodes} nodes clone ${repositories} repositories: ${count} left`);
      if (performance.now() > until) throw new Error("the nodes have not cloned everything in time");
      // All mirrors are read each time.
      await sleep(200 + repositories);
    }
    return await act(cluster, repos);
  } finally {
    await releasers.release();
  }
}
