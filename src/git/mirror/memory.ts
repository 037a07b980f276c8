import type { MirrorOptions } from "./options.js";
import { createWriters, type Write } from "./writers.js";

/** What this process knows of mirrors, by repository, so that most questions need no git. */
export interface Memory {
  /** Objects by ref, for each trusted mirror. ZERO: the ref does not exist. */
  tips: Map<number, Map<string, string>>;
  /** The default branch that HEAD is known to name. */
  heads: Map<number, string>;
  /** Mirrors that are known to hide Lockstep's own refs. */
  hiding: Set<number>;
  /** How often the refs of a mirror, or its HEAD, may have changed since the start. */
  generations: Map<number, number>;
  /** Fetches into partial and shallow mirrors, of which each mirror has one at a time. */
  fetches: Write;
}

/** The objects that the functions on mirrors work with. */
export interface MirrorContext extends MirrorOptions {
  memory: Memory;
}

const CACHED_TIPS = 256;

export const createMemory = (): Memory => ({
  tips: new Map(),
  heads: new Map(),
  hiding: new Set(),
  generations: new Map(),
  fetches: createWriters(),
});

/** Records tips, unless the mirror has been distrusted in the meantime; the oldest go first. */
export function rememberTips(memory: Memory, id: number, changes: Iterable<readonly [string, string]>): void {
  const tips = memory.tips.get(id);
  if (!tips) return;
  for (const [ref, sha] of [...changes].slice(-CACHED_TIPS)) tips.set(ref, sha);
  for (const ref of tips.keys()) {
    if (tips.size <= CACHED_TIPS) break;
    tips.delete(ref);
  }
}

/** Notes that refs may have changed, before anybody hears of the change. */
export const noteChange = ({ generations }: Memory, id: number): void =>
  void generations.set(id, (generations.get(id) ?? 0) + 1);

/** Deletes all knowledge of the mirror, which is no longer trusted. */
export function forgetMirror({ tips, heads, hiding }: Memory, id: number): void {
  tips.delete(id);
  heads.delete(id);
  hiding.delete(id);
}
