import type { Random } from "../random.js";
import type { Repo } from "../standin/index.js";
import type { Cluster, ClusterNode } from "./world.js";

interface Options {
  /** Between two pushes, in milliseconds; default 20. */
  pauseMs?: number;
  /** How many pushes are under way at a time; default 1. */
  pushers?: number;
  /** Takes how many answers had each status; 0: the node could not be reached. */
  answers?: Map<number, number>;
}

export type Traffic = ReturnType<typeof startTraffic>;

/** Pushes to random repositories, which GitHub delivers to random nodes, until it is stopped. */
export function startTraffic(
  cluster: Cluster,
  repos: readonly Repo[],
  random: Random,
  { pauseMs = 20, pushers = 1, answers = new Map() }: Options = {},
) {
  let [isStopped, to] = [false, [...cluster.nodes.values()]];
  const running = Promise.all(Array.from({ length: pushers }, push));
  // `stop` reports the error.
  running.catch(() => {});

  async function push(): Promise<void> {
    while (!isStopped) {
      const repo = random.pick(repos)!;
      const branch = random.pick(["main", "main", "next", "other"])!;
      const pushed = await cluster.standin.commit(repo, branch);
      const status = await cluster.deliver(pushed, random.pick(to)!);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  return {
    answers,
    /** From now on GitHub delivers to these nodes alone. */
    deliverTo(...nodes: ClusterNode[]) {
      to = nodes;
    },
    /** Resolves once so many more deliveries were answered. */
    async more(count: number) {
      const sum = () => [...answers.values()].reduce((a, b) => a + b, 0);
      const wanted = sum() + count;
      while (sum() < wanted) await new Promise((resolve) => setTimeout(resolve, 20));
    },
    async stop() {
      isStopped = true;
      await running;
    },
  };
}
