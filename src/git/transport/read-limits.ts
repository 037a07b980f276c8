import { monotonicMs } from "../../base/clock.js";
import { MAX_READS_PER_SECOND } from "../../base/github-facts.js";
import { fullName } from "../../base/names.js";
import type { Target } from "./upstream.js";

/**
 * Whom a read is for. Refreshes come first, since every reader waits for them; then what is fetched into a mirror for
 * readers, which later readers find there; then what GitHub answers one reader.
 */
export const READ_ORDER = ["refresh", "fetched", "reader"] as const;
export type ReadFor = (typeof READ_ORDER)[number];

export interface ReadLimits {
  /** Resolves when the repository may be read once more. @throws when `signal` aborts */
  take(target: Target, signal: AbortSignal, readFor?: ReadFor): Promise<void>;
}

interface Turns {
  /** When the repository was read in the last second, by the clock. */
  taken: number[];
  waiting: Record<ReadFor, Set<() => void>>;
  timer: NodeJS.Timeout | null;
}

const WINDOW_MS = 1_000;

/**
 * Each repository is read at most MAX_READS_PER_SECOND times in any second. The turns are counted by the monotonic
 * clock: a wall clock that is set back would hold every read until the clock has caught up.
 */
export function createReadLimits(clock: () => number = monotonicMs): ReadLimits {
  const all = new Map<string, Turns>();
  let sweptAt = clock();

  /** Deletes what the last second says nothing about, at most once a second. */
  function sweep(now: number): void {
    if (now - sweptAt < WINDOW_MS) return;
    sweptAt = now;
    for (const [key, turns] of all)
      if (turns.timer === null && turns.taken.at(-1)! <= now - WINDOW_MS) all.delete(key);
  }

  /** @returns for how long the repository may not be read, in milliseconds; 0: it may be read now */
  function waitOf(turns: Turns, now: number): number {
    turns.taken = turns.taken.filter((at) => at > now - WINDOW_MS);
    const before = turns.taken.at(-MAX_READS_PER_SECOND);
    return before === undefined ? 0 : before + WINDOW_MS - now;
  }

  function giveTurns(turns: Turns): void {
    turns.timer = null;
    for (let next = firstOf(turns); next !== null; next = firstOf(turns)) {
      const now = clock();
      const waitMs = waitOf(turns, now);
      if (waitMs > 0) {
        turns.timer = setTimeout(giveTurns, Math.ceil(waitMs), turns);
        return;
      }
      turns.taken.push(now);
      next();
    }
  }

  function wait(turns: Turns, signal: AbortSignal, readFor: ReadFor): Promise<void> {
    const line = turns.waiting[readFor];
    return new Promise((resolve, reject) => {
      const leave = () => {
        line.delete(enter);
        reject(signal.reason);
      };
      const enter = () => {
        line.delete(enter);
        signal.removeEventListener("abort", leave);
        resolve();
      };
      signal.addEventListener("abort", leave, { once: true });
      line.add(enter);
      if (turns.timer === null) giveTurns(turns);
    });
  }

  return {
    async take(target, signal, readFor = "refresh") {
      signal.throwIfAborted();
      const now = clock();
      sweep(now);
      const key = fullName(target);
      const turns = all.get(key) ?? newTurns();
      all.set(key, turns);
      await wait(turns, signal, readFor);
    },
  };
}

const newTurns = (): Turns => ({
  taken: [],
  waiting: { refresh: new Set(), fetched: new Set(), reader: new Set() },
  timer: null,
});

/** @returns what lets the first of those in who wait; null: nobody waits */
function firstOf({ waiting }: Turns): (() => void) | null {
  for (const readFor of READ_ORDER) for (const enter of waiting[readFor]) return enter;
  return null;
}
