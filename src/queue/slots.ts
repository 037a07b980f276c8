import type { Slots, WorkClass } from "./classes.js";

interface Taker {
  /** Null: the run is being ended, or waits without a slot, and does not count. */
  class: WorkClass | null;
}

/** Counts how many runs of each class there are. */
export function countRuns(runs: Iterable<Taker>, workClass: WorkClass): number {
  let count = 0;
  for (const run of runs) if (run.class === workClass) count += 1;
  return count;
}

/** Counts the runs that take no slot. */
export function countStandingBy(runs: Iterable<Taker>): number {
  let count = 0;
  for (const run of runs) if (run.class === null) count += 1;
  return count;
}

export const hasSlot = (slots: Slots, runs: Iterable<Taker>, workClass: WorkClass): boolean =>
  countRuns(runs, workClass) < slots[workClass];
