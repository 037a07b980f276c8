import { monotonicMs } from "../../base/clock.js";

/** Limits how many questions to GitHub each reader may cause. */
export interface Budget {
  /** @returns false: the reader has used up what it may ask in a minute */
  take(reader: string, questions: number): boolean;
}

const WINDOW_MS = 60_000;
/** Readers that are counted; more than that at a time start again. */
const MAX_READERS = 10_000;

export function createBudget(perMinute: number, clock: () => number = monotonicMs): Budget {
  let used = new Map<string, number>();
  let since = clock();
  return {
    take(reader, questions) {
      if (clock() - since >= WINDOW_MS || used.size > MAX_READERS) {
        used = new Map();
        since = clock();
      }
      const sum = (used.get(reader) ?? 0) + questions;
      if (sum > perMinute) return false;
      used.set(reader, sum);
      return true;
    },
  };
}
