import { setTimeout } from "node:timers/promises";
import type { Redis } from "ioredis";
import { type Beat, beatsKeyOf, prefixOf, readBeat } from "../cluster/beat.js";
import { createSeal } from "../cluster/seal.js";
import type { Cluster } from "../config/cluster.js";
import { type Finding, ok, warn } from "./finding.js";

export type ClusterSettings = Pick<Cluster, "name" | "secret" | "redisUrl" | "replicas" | "nodeName">;

/** Nodes believe a question of another node that is not older than this, in milliseconds. */
export const SKEW_MS = 60_000;
/** A node that is alive beats within this time, in milliseconds; NODE_DEAD is at least four times its pace. */
const LISTEN_MS = 4_000;
/** A beat that was just written may be as old as a node waits between two, in milliseconds. */
const PACE_MS = 2_000;

interface Heard {
  /** Nodes that have beaten while the doctor listened. */
  alive: Beat[];
  silent: Beat[];
  /** How many names have a beat that no node of this cluster has signed. */
  forged: number;
}

/** Listens to the nodes for some seconds, and compares what they say of themselves. */
export async function checkNodes(
  redis: Pick<Redis, "hgetall">,
  cluster: ClusterSettings,
  now: () => number,
): Promise<Finding[]> {
  const key = beatsKeyOf(prefixOf(cluster.name));
  const first = await redis.hgetall(key);
  if (Object.keys(first).length === 0)
    return [ok("nodes", "none has been here yet: this will be the first of the cluster")];
  await setTimeout(LISTEN_MS);
  const second = await redis.hgetall(key);
  const seal = createSeal({ secret: cluster.secret, cluster: cluster.name });
  return judgeNodes(
    hear(first, second, (name, text) => readBeat(seal, name, text)),
    cluster,
    now(),
  );
}

function hear(
  first: Record<string, string>,
  second: Record<string, string>,
  read: (name: string, text: string) => Beat | null,
): Heard {
  const heard: Heard = { alive: [], silent: [], forged: 0 };
  for (const [name, text] of Object.entries(second).sort()) {
    const beat = read(name, text);
    if (beat === null) heard.forged++;
    else if (first[name] === text) heard.silent.push(beat);
    else heard.alive.push(beat);
  }
  return heard;
}

/** @param nowMs this machine's clock, in milliseconds since 1970 */
export function judgeNodes(
  { alive, silent, forged }: Heard,
  { replicas }: Pick<ClusterSettings, "replicas">,
  nowMs: number,
): Finding[] {
  const found: Finding[] = [];
  if (forged > 0)
    found.push(
      warn(
        "nodes",
        `${forged} in Redis cannot be verified`,
        "set the same CLUSTER_SECRET on every node, and keep others out of Redis",
      ),
    );
  if (silent.length > 0)
    found.push(
      warn(
        "nodes",
        `no sign of life from ${namesOf(silent)}`,
        "start it, or remove it with lockstep nodes remove",
      ),
    );
  const versions = groupBy(alive, ({ version }) => version ?? "an unknown version");
  if (versions.size > 1)
    found.push(
      warn("nodes", `versions differ: ${spoken(versions)}`, "upgrade the others, one node after the other"),
    );
  const settled = alive.flatMap(({ settings }) => (settings && settings.version > 0 ? settings.hash : []));
  // Until somebody sets the cluster's, each node goes by its own variable.
  const others = alive.filter((it) => it.replicas !== undefined && it.replicas !== replicas);
  if (settled.length === 0 && others.length > 0)
    found.push(
      warn(
        "nodes",
        `REPLICAS is ${replicas} here, and ${spoken(groupBy(others, (it) => String(it.replicas)))}`,
        `set it for all nodes: lockstep nodes replicas ${replicas}`,
      ),
    );
  if (new Set(settled).size > 1)
    found.push(
      warn(
        "nodes",
        "the cluster's settings differ",
        "check that every node reaches the others by their NODE_URL",
      ),
    );
  const skewed = alive.filter(({ at }) => at !== undefined && Math.abs(at - nowMs) > SKEW_MS - PACE_MS);
  if (skewed.length > 0)
    found.push(
      warn(
        "nodes",
        `a clock differs by more than ${SKEW_MS / 1_000} s from this machine's: ${namesOf(skewed)}`,
        "keep all clocks in sync: nodes refuse old questions",
      ),
    );
  if (found.length > 0 || alive.length === 0) return found;
  return [ok("nodes", `${namesOf(alive)}: the same version and settings`)];
}

const namesOf = (beats: readonly Beat[]): string => beats.map(({ name }) => name).join(", ");

function groupBy(beats: readonly Beat[], keyOf: (beat: Beat) => string): Map<string, Beat[]> {
  const groups = new Map<string, Beat[]>();
  for (const beat of beats) groups.set(keyOf(beat), [...(groups.get(keyOf(beat)) ?? []), beat]);
  return groups;
}

const spoken = (groups: ReadonlyMap<string, Beat[]>): string =>
  [...groups].map(([value, beats]) => `${value} at ${namesOf(beats)}`).join(", ");
