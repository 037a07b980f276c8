import type { MirrorOptions } from "./options.js";

/** What this process knows of mirrors, by repository, so that most questions need no git. */
export interface Memory {
  /** Objects by ref, of each mirror that is trusted. ZERO: there is no such ref. */
  tips: Map<number, Map<string, string>>;
  /** The default branch that HEAD is known to name. */
  heads: Map<number, string>;
  /** Mirrors that are known to hide Lockstep's own refs. */
  hiding: Set<number>;
}

/** What the functions on mirrors work with. */
export interface MirrorContext extends MirrorOptions {
  memory: Memory;
}

const CACHED_TIPS = 256;

export const createMemory = (): Memory => ({ tips: new Map(), heads: new Map(), hiding: new Set() });

/** Takes down tips, unless the mirror has been distrusted meanwhile; the oldest go first. */
export function rememberTips(memory: Memory, id: number, changes: Iterable<readonly [string, string]>): void {
  const tips = memory.tips.get(id);
  if (!tips) return;
  for (const [ref, sha] of changes) tips.set(ref, sha);
  for (const ref of tips.keys()) {
    if (tips.size <= CACHED_TIPS) break;
    tips.delete(ref);
  }
}

/** Nothing is known of the mirror any more, and it is not trusted. */
export function forgetMirror({ tips, heads, hiding }: Memory, id: number): void {
  tips.delete(id);
  heads.delete(id);
  hiding.delete(id);
}
