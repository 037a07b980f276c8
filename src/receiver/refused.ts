import { dropOldest } from "../base/drop-oldest.js";
/** Calls that were refused with one reason from one address since the start. */
export interface Refused {
  reason: string;
  address: string;
  count: number;
  /** In milliseconds since 1970. */
  lastAt: number;
}

/** Anybody can be refused from any address, so only the latest of them are known. */
const MAX = 100;

export interface RefusedCalls {
  note(reason: string, address: string): void;
  /** Lists what was refused, the latest first, and how many calls were refused in all. */
  list(): { refused: Refused[]; total: number };
}

/** Counts refused calls in memory: a flood of them must not write to the disk. */
export function createRefusedCalls(now: () => number = Date.now): RefusedCalls {
  const known = new Map<string, Refused>();
  let total = 0;
  return {
    note(reason, address) {
      total += 1;
      const key = `${reason} ${address}`;
      const count = (known.get(key)?.count ?? 0) + 1;
      // What is set again comes last, so the first is the oldest.
      known.delete(key);
      known.set(key, { reason, address, count, lastAt: now() });
      dropOldest(known, MAX);
    },
    list: () => ({ refused: [...known.values()].reverse(), total }),
  };
}
