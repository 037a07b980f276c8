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
  /** The fetches that run in each mirror, and whether one of them has left temporary files. */
  fetching: Map<number, { count: number; hasLeft: boolean }>;
  /** How often the refs of a mirror, or its HEAD, may have changed since the start, and how many changes run. */
  generations: Map<number, { count: number; running: number }>;
  /**
   * When objects that refs of Lockstep's own keep for readers were last fetched, by the monotonic clock in milliseconds;
   * a mirror that is missing was not looked at yet.
   */
  served: Map<number, Map<string, number>>;
  /** Fetches into partial and shallow mirrors, of which each mirror has one at a time. */
  fetches: Write;
  /** How many of a mirror's next fetches are git's alone. */
  byGit: Map<number, number>;
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
  fetching: new Map(),
  generations: new Map(),
  served: new Map(),
  fetches: createWriters().write,
  byGit: new Map(),
});

/** Records tips, unless the mirror has been distrusted in the meantime; the oldest go first. */
export function rememberTips(
  memory: Memory,
  id: number,
  changes: readonly (readonly [string, string])[],
): void {
  const tips = memory.tips.get(id);
  if (!tips) return;
  // Of more tips the first ones are not recorded, and what was known of their refs is wrong now.
  if (changes.length > CACHED_TIPS) tips.clear();
  for (const [ref, sha] of changes.slice(-CACHED_TIPS)) tips.set(ref, sha);
  for (const ref of tips.keys()) {
    if (tips.size <= CACHED_TIPS) break;
    tips.delete(ref);
  }
}

/** Notes that refs are about to change. @returns what notes the end of the change */
export function beginChange({ generations }: Memory, id: number): () => void {
  const state = generations.get(id) ?? { count: 0, running: 0 };
  generations.set(id, state);
  state.running += 1;
  return () => {
    state.running -= 1;
    state.count += 1;
  };
}

let reads = 0;

/** @returns a number that two calls have in common only if no ref has changed in between */
export function generationOf({ generations }: Memory, id: number): number {
  const { count, running } = generations.get(id) ?? { count: 0, running: 0 };
  // Half of a change may be on disk, so that what is read now is never taken for what is read later.
  return running > 0 ? -++reads : count;
}

/** Deletes all knowledge of the mirror, which is no longer trusted. */
export function forgetMirror({ tips, heads, hiding, served, byGit }: Memory, id: number): void {
  byGit.delete(id);
  tips.delete(id);
  heads.delete(id);
  hiding.delete(id);
  served.delete(id);
}
