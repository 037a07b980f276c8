import { createHash } from "node:crypto";
import { z } from "zod";
import type { Facts } from "../store/facts.js";
import type { Replicas } from "./placement.js";

/** More repositories than this are no exceptions any more, and every node holds all of them in memory. */
const MAX_PINS = 10_000;

const Settings = z.object({
  /** Grows with every change; 0: nobody has changed them, and each node goes by its own REPLICAS. */
  version: z.int().min(0),
  replicas: z.union([z.int().min(1).max(2), z.literal("all")]),
  /** Which node is the first owner of a repository, by the repository's id. */
  pins: z
    .record(z.string().regex(/^\d{1,16}$/), z.string().max(40))
    .refine((pins) => Object.keys(pins).length <= MAX_PINS, `there may be ${MAX_PINS} pins`),
});

/** What belongs to the cluster, and is the same on every node. */
export type Settings = z.output<typeof Settings>;

/** What a beat says of a node's settings. */
export interface Stamp {
  version: number;
  hash: string;
}

/** The settings of the cluster, on this node's disk. */
export interface ClusterSettings {
  current(): Settings;
  stamp(): Stamp;
  /** Changes the settings here. @param seen the highest version that any node has @throws ZodError for what is out of bounds */
  change(to: Partial<Pick<Settings, "replicas" | "pins">>, seen: number): void;
  /** Whether another node's settings replace this one's: the later ones do; of two changes at once the same one everywhere. */
  isOlderThan(other: Stamp): boolean;
  /** Takes over another node's settings if they are later. @returns whether anything changed */
  adopt(said: unknown): boolean;
}

const FACT = "cluster-settings";

/** @param replicas REPLICAS of this node, which counts until somebody changes the cluster's */
export function createClusterSettings(facts: Facts, replicas: Replicas): ClusterSettings {
  const first = Settings.parse({ version: 0, replicas, pins: {} });
  let current = Settings.safeParse(facts.get(FACT)).data ?? first;

  const stampOf = (settings: Settings): Stamp => {
    const pins = Object.entries(settings.pins).sort(([a], [b]) => (a < b ? -1 : 1));
    const text = JSON.stringify([settings.replicas, pins]);
    return { version: settings.version, hash: createHash("sha256").update(text).digest("hex").slice(0, 16) };
  };
  let stamp = stampOf(current);

  function take(settings: Settings): void {
    facts.set(FACT, settings);
    current = settings;
    stamp = stampOf(settings);
  }

  const isOlderThan = (other: Stamp) =>
    other.version > stamp.version ||
    (other.version > 0 && other.version === stamp.version && other.hash > stamp.hash);

  return {
    current: () => current,
    stamp: () => stamp,
    change(to, seen) {
      take(Settings.parse({ ...current, ...to, version: Math.max(seen, current.version) + 1 }));
    },
    isOlderThan,
    adopt(said) {
      const settings = Settings.safeParse(said).data;
      if (!settings || !isOlderThan(stampOf(settings))) return false;
      take(settings);
      return true;
    },
  };
}
