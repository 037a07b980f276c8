import { formatDuration } from "../../base/units.js";
import type { LaterJobs } from "../../cluster/handover/later-jobs.js";
import type { Members } from "../../cluster/members.js";
import type { PulseState } from "../../cluster/pulse.js";
import type { ClusterSettings } from "../../cluster/settings.js";
import type { Problem } from "../../watch/problems.js";
import type { LeftOut } from "./left-out.js";

interface Needs {
  members: Pick<Members, "all">;
  pulse: { state(): PulseState };
  settings: Pick<ClusterSettings, "current" | "stamp">;
  leftOut: Pick<LeftOut, "problem">;
  laterJobs: Pick<LaterJobs, "areWaiting">;
  deadMs: number;
  /** The wall clock, in milliseconds since 1970. */
  now(): number;
}

type Found = Pick<Problem, "code" | "detail" | "remedy">;

/** Finds what is wrong with the cluster, as far as this node can tell. */
export function createClusterProblems({
  members,
  pulse,
  settings,
  leftOut,
  laterJobs,
  deadMs,
  now,
}: Needs): () => Problem[] {
  /** Since when each problem is there, by its code. */
  const since = new Map<string, number>();

  function found(): Found[] {
    const others = members.all();
    const all: Found[] = [];
    const { isBeating, error } = pulse.state();
    if (!isBeating)
      all.push({
        code: "redis_away",
        detail: `Redis cannot be used (${error?.message ?? "not reached yet"})`,
        remedy: "start Redis, and check REDIS_URL with lockstep doctor",
      });
    const silent = others.filter(({ isAlive }) => !isAlive).map(({ name }) => name);
    if (silent.length > 0 && isBeating)
      all.push({
        code: "node_away",
        detail: `no sign of life for ${formatDuration(deadMs)} or more: ${silent.join(", ")}`,
        remedy: "start the node, or remove it with lockstep nodes remove",
      });
    const [{ version, replicas }, { hash }] = [settings.current(), settings.stamp()];
    // Until somebody sets the cluster's, each node goes by its own variable.
    const differ = others.filter((it) => it.isAlive && it.replicas !== null && it.replicas !== replicas);
    if (version === 0 && differ.length > 0)
      all.push({
        code: "nodes_differ",
        detail: `REPLICAS is ${replicas} here, and another one at ${differ.map(({ name }) => name).join(", ")}`,
        remedy: `set it for all nodes: lockstep nodes replicas ${replicas}`,
      });
    const behind = others.filter((it) => it.isAlive && it.settings !== null && it.settings.hash !== hash);
    if (version > 0 && behind.length > 0)
      all.push({
        code: "nodes_differ",
        detail: `the cluster's settings differ at ${behind.map(({ name }) => name).join(", ")}`,
        remedy: "it ends by itself; if it does not, check NODE_URL of these nodes",
      });
    if (laterJobs.areWaiting())
      all.push({
        code: "deliveries_of_later_version",
        detail:
          "other nodes have written deliveries in a form that this version of Lockstep cannot read; they wait",
        remedy: "upgrade this node to the version of the others: lockstep nodes list",
      });
    const left = leftOut.problem();
    return left ? [...all, left] : all;
  }

  return () => {
    const all = found();
    for (const code of since.keys()) if (!all.some((it) => it.code === code)) since.delete(code);
    return all.map((it) => {
      const from = since.get(it.code) ?? now();
      since.set(it.code, from);
      return { ...it, since: from };
    });
  };
}
