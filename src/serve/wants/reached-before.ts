import type { Shown } from "../shown.js";

/** Commits that were found to be reached from what a mirror shows. Nothing of it outlasts the list of refs. */
export interface ReachedBefore {
  has(shown: Shown, id: string): boolean;
  add(shown: Shown, id: string): void;
}

/** Each takes a hundred bytes. */
const MAX_KEPT = 10_000;

/** Remembers commits: hundreds of jobs ask for one commit at once, also when its branch has moved on since. */
export function createReachedBefore(): ReachedBefore {
  const reached = new WeakMap<Shown, Set<string>>();
  return {
    has: (shown, id) => reached.get(shown)?.has(id) ?? false,
    add(shown, id) {
      const ids = reached.get(shown) ?? new Set();
      if (ids.size < MAX_KEPT) reached.set(shown, ids.add(id));
    },
  };
}
