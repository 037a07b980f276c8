import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../../base/clock.js";
import { MAX_READS_PER_SECOND } from "../../base/github-facts.js";
import { fullName } from "../../base/names.js";
import type { Target } from "./upstream.js";

export interface ReadLimits {
  /** Resolves when the repository may be read once more. @throws when `signal` aborts */
  take(target: Target, signal: AbortSignal): Promise<void>;
}

const WINDOW_MS = 1_000;

/**
 * Each repository is read at most MAX_READS_PER_SECOND times in any second. The turns are counted by the monotonic
 * clock: a wall clock that is set back would hold every read until the clock has caught up.
 */
export function createReadLimits(clock: () => number = monotonicMs): ReadLimits {
  const turns = new Map<string, number[]>();
  let sweptAt = clock();

  /** Deletes what the last second says nothing about, at most once a second. */
  function sweep(now: number): void {
    if (now - sweptAt < WINDOW_MS) return;
    sweptAt = now;
    for (const [key, taken] of turns) if (taken.at(-1)! <= now - WINDOW_MS) turns.delete(key);
  }

  /** Reserves the repository's next turn. @returns when the turn is, by the clock */
  function reserve(key: string, now: number): number {
    const recent = (turns.get(key) ?? []).filter((turn) => turn > now - WINDOW_MS);
    const before = recent.at(-MAX_READS_PER_SECOND);
    const turn = before === undefined ? now : Math.max(now, before + WINDOW_MS);
    turns.set(key, [...recent, turn]);
    return turn;
  }

  return {
    async take(target, signal) {
      signal.throwIfAborted();
      const now = clock();
      sweep(now);
      const turn = reserve(fullName(target), now);
      if (turn > now) await sleep(turn - now, undefined, { signal });
    },
  };
}
