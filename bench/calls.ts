import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, ClusterNode } from "../tools/cluster/world.js";
import { Releasers } from "../tools/releasers.js";
import { withCluster } from "./cluster.js";
import { runBench } from "./run.js";

const HELP = `Usage: npm run bench:calls [-- --repositories 200 --others 9800 --nodes 1,4]

Starts clusters with a real Redis and the stand-in on this machine, waits until every owner has its mirrors in step, and
counts the REST calls of all nodes together: until then, and of a pass of the backstop at every node.

  --repositories <n>  that are mirrored; default 200
  --others <n>        that GitHub lists besides, and REPOSITORIES leaves out; default 9800
  --nodes <list>      default 1,4`;

interface Counted {
  nodes: number;
  repositories: number;
  others: number;
  /** REST calls from an empty disk until all is in step. */
  onboarding: number;
  /** REST calls of a pass, by what they ask for. */
  pass: Record<string, number>;
}

const outer = new Releasers();
/** A pass that goes on without another call for so long has ended. Milliseconds. */
const QUIET_MS = 3_000;
const PASS_MS = 300_000;

async function passedAt({ lockstep }: ClusterNode): Promise<string | null> {
  const status = (await (await lockstep.api("/api/v1/status?node=self")).json()) as {
    backstop: { lastPassAt: string | null };
  };
  return status.backstop.lastPassAt;
}

/** Has every node begin a pass, and waits for its end. */
async function pass({ nodes, standin }: Cluster): Promise<void> {
  const all = [...nodes.values()];
  const before = await Promise.all(all.map(passedAt));
  const { ok } = await all[0]!.lockstep.api("/api/v1/pass", { method: "POST" });
  if (!ok) throw new Error("the pass was refused");
  const until = performance.now() + PASS_MS;
  const havePassed = async () => (await Promise.all(all.map(passedAt))).every((at, n) => at !== before[n]);
  for (let calls = -1; calls !== standin.calls.length || !(await havePassed()); await sleep(QUIET_MS)) {
    calls = standin.calls.length;
    if (performance.now() > until) throw new Error("the pass has not ended in time");
  }
}

async function count(nodes: number, repositories: number, others: number): Promise<Counted> {
  return withCluster({ outer, nodes, repositories, others }, async (cluster) => {
    const { standin } = cluster;
    // What was cloned last is compared once more.
    await sleep(QUIET_MS);
    const onboarding = standin.calls.length;
    // The first pass after a start compares what the start has left.
    await pass(cluster);
    standin.clearCounters();
    await pass(cluster);
    const byPath: Record<string, number> = {};
    for (const { method, path } of standin.calls) {
      const what = `${method} ${new URL(path, "http://github").pathname.replace(/\/\d+/g, "/:id")}`;
      byPath[what] = (byPath[what] ?? 0) + 1;
    }
    return { nodes, repositories, others, onboarding, pass: byPath };
  });
}

runBench(outer, {
  help: HELP,
  options: {
    repositories: { type: "string", default: "200" },
    others: { type: "string", default: "9800" },
    nodes: { type: "string", default: "1,4" },
  },
  async measure(values, report) {
    const counted: Counted[] = [];
    for (const nodes of values.nodes.split(",").map(Number))
      counted.push(await count(nodes, Number(values.repositories), Number(values.others)));
    const listed = Number(values.repositories) + Number(values.others);
    const whats = [...new Set(counted.flatMap((one) => Object.keys(one.pass)))].sort();
    const sum = ({ pass }: Counted) => Object.values(pass).reduce((a, b) => a + b, 0);
    const rows = [
      ["", ...counted.map(({ nodes }) => `${nodes} ${nodes === 1 ? "node" : "nodes"}`)],
      ["from empty disks until all is in step", ...counted.map(({ onboarding }) => String(onboarding))],
      ["a pass", ...counted.map((one) => String(sum(one)))],
      ...whats.map((what) => [`  ${what}`, ...counted.map((one) => String(one.pass[what] ?? 0))]),
    ];
    report.table(rows, `REST calls of all nodes together, ${values.repositories} of ${listed} repositories`);
    return counted;
  },
});
