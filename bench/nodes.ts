import type { Cluster, ClusterNode } from "../tools/cluster/world.js";
import { mirrorPath, waitForTip } from "../tools/mirror.js";
import { Random } from "../tools/random.js";
import { Releasers } from "../tools/releasers.js";
import type { Repo } from "../tools/standin/index.js";
import { formatMs, percentile } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { withCluster } from "./cluster.js";
import { treeCpuSeconds } from "./process.js";
import { runBench } from "./run.js";

const HELP = `Usage: npm run bench:nodes [-- --pushes 400 --repositories 24 --nodes 1,2,4]

Starts clusters with a real Redis and the stand-in on this machine, and measures

- how much later a push is in the mirror when GitHub has called a node that does not own the repository, one push at a
  time, alternately;
- pushes a second, lag and processor time with each number of nodes, under as many pushes at once as --at-once says.

  --pushes <n>        of each measurement; default 400
  --repositories <n>  default 24
  --nodes <list>      default 1,2,4
  --at-once <n>       pushes under way; default 8`;

interface Lags {
  p50: number;
  p99: number;
}

interface Load extends Lags {
  nodes: number;
  pushesPerSecond: number;
  /** Of all processes of all nodes, in milliseconds for each push. */
  cpuMs: number;
  /** Of the stand-in for GitHub and this program. */
  othersCpuMs: number;
}

const outer = new Releasers();
const WARM_UPS = 20;

const lagsOf = (took: readonly number[]): Lags => ({
  p50: percentile(took, 0.5),
  p99: percentile(took, 0.99),
});

/** @returns milliseconds from the sending of the delivery until the owner's mirror has the push */
async function push(cluster: Cluster, repo: Repo, to: (owner: ClusterNode) => ClusterNode): Promise<number> {
  const owner = cluster.node(cluster.ownersOf(repo)[0]!);
  const pushed = await cluster.standin.commit(repo, "main");
  const arrived = waitForTip(mirrorPath(owner.dataDir, repo.owner, repo.name), pushed.ref, pushed.after);
  const sent = await cluster.standin.deliver(pushed, { to: to(owner).lockstep.webhookUrl });
  return (await arrived) - sent.sentAt;
}

/** Pushes one at a time, alternately to the owner and to another node. */
async function measureWays(cluster: Cluster, repos: readonly Repo[], pushes: number) {
  const nodes = [...cluster.nodes.values()];
  const [owner, other]: [number[], number[]] = [[], []];
  for (let n = -WARM_UPS; n < pushes; n++) {
    const repo = repos.at(n % repos.length)!;
    const isToOwner = n % 2 === 0;
    const lag = await push(cluster, repo, (it) =>
      isToOwner ? it : nodes.find(({ name }) => name !== it.name)!,
    );
    if (n >= 0) (isToOwner ? owner : other).push(lag);
    progress(`push ${n + 1} of ${pushes}`);
  }
  return { owner: lagsOf(owner), other: lagsOf(other) };
}

async function measureLoad(
  cluster: Cluster,
  repos: readonly Repo[],
  { pushes, atOnce }: Options,
): Promise<Load> {
  const nodes = [...cluster.nodes.values()];
  const random = new Random(1);
  const cpu = () => nodes.reduce((sum, { lockstep }) => sum + treeCpuSeconds(lockstep.pid), 0);
  const took: number[] = [];
  // Pushes to one repository come one after the other, so that none is brought together with the next.
  const shareOf = (n: number) => repos.filter((_, at) => at % atOnce === n);
  const pushAll = async (count: number) => {
    let left = count;
    await Promise.all(
      Array.from({ length: atOnce }, async (_, n) => {
        const mine = shareOf(n);
        while (left-- > 0) took.push(await push(cluster, random.pick(mine)!, () => random.pick(nodes)!));
      }),
    );
  };
  await pushAll(WARM_UPS);
  took.length = 0;
  const [before, own, at] = [cpu(), process.cpuUsage(), performance.now()];
  await pushAll(pushes);
  const [seconds, used] = [(performance.now() - at) / 1_000, process.cpuUsage(own)];
  return {
    nodes: nodes.length,
    pushesPerSecond: pushes / seconds,
    ...lagsOf(took),
    cpuMs: ((cpu() - before) * 1_000) / pushes,
    othersCpuMs: (used.user + used.system) / 1_000 / pushes,
  };
}

interface Options {
  pushes: number;
  atOnce: number;
}

runBench(outer, {
  help: HELP,
  options: {
    pushes: { type: "string", default: "400" },
    repositories: { type: "string", default: "24" },
    nodes: { type: "string", default: "1,2,4" },
    "at-once": { type: "string", default: "8" },
  },
  async measure(values, report) {
    const [pushes, repositories, atOnce] = [values.pushes, values.repositories, values["at-once"]].map(
      Number,
    );
    const ways = await withCluster({ outer, nodes: 2, repositories: repositories! }, (cluster, repos) =>
      measureWays(cluster, repos, pushes!),
    );
    const loads: Load[] = [];
    for (const count of values.nodes.split(",").map(Number))
      loads.push(
        await withCluster({ outer, nodes: count, repositories: repositories! }, (cluster, repos) =>
          measureLoad(cluster, repos, { pushes: pushes!, atOnce: atOnce! }),
        ),
      );
    const rows = [
      ["GitHub calls", "lag p50", "p99"],
      ["the owner", formatMs(ways.owner.p50), formatMs(ways.owner.p99)],
      ["another node", formatMs(ways.other.p50), formatMs(ways.other.p99)],
      ["more", formatMs(ways.other.p50 - ways.owner.p50), formatMs(ways.other.p99 - ways.owner.p99)],
    ];
    report.table(rows, `Two nodes, ${pushes} pushes one after the other`);
    const heading = [
      "nodes",
      "pushes/s",
      "lag p50",
      "p99",
      "processor a push",
      "of the stand-in and this program",
    ];
    const lines = loads.map((it) => [
      String(it.nodes),
      it.pushesPerSecond.toFixed(1),
      formatMs(it.p50),
      formatMs(it.p99),
      formatMs(it.cpuMs),
      formatMs(it.othersCpuMs),
    ]);
    const title = `${pushes} pushes to ${repositories} repositories, ${atOnce} under way, GitHub calls any node`;
    report.table([heading, ...lines], title);
    return { ways, loads };
  },
});
