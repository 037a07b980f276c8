import { setImmediate } from "node:timers/promises";

/** A step that begins within a slice takes much less than the 50 ms for which nothing may block the event loop. */
const SLICE_MS = 10;

/** The share of a long loop that runs without a pause. */
export interface Slice {
  /** Whether other work should run before the next step of the loop. */
  isOver(): boolean;
  /** Lets other work run, and begins a new slice. */
  next(): Promise<void>;
}

export function beginSlice(): Slice {
  let began = performance.now();
  return {
    isOver: () => performance.now() - began >= SLICE_MS,
    async next() {
      await setImmediate();
      began = performance.now();
    },
  };
}

/** Calls `act` with each entry in turn, and lets other work run in between. */
export async function forEachInSlices<T>(all: Iterable<T>, act: (entry: T) => void): Promise<void> {
  const slice = beginSlice();
  for (const entry of all) {
    act(entry);
    if (slice.isOver()) await slice.next();
  }
}

/** As many answers are awaited together; all of them at once would run one after the other without a pause. */
const TOGETHER = 5_000;

/** Calls `act` with many entries at a time, so that what they ask is answered together. @returns the answers, in order */
export async function mapTogether<T, R>(all: readonly T[], act: (entry: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let from = 0; from < all.length; from += TOGETHER) {
    if (from > 0) await setImmediate();
    for (const answer of await Promise.all(all.slice(from, from + TOGETHER).map(act))) answers.push(answer);
  }
  return answers;
}

/** Rows that one statement deletes at most: they take some milliseconds, and one sync of the disk. */
const ROWS = 200;

/**
 * Deletes rows until none is left, and lets other work run after each statement.
 * @param deleteSome deletes at most `limit` rows, and returns how many it has deleted
 * @returns the number of deleted rows
 * @throws the signal's reason, before a statement
 */
export async function deleteInSlices(
  deleteSome: (limit: number) => number,
  signal?: AbortSignal,
): Promise<number> {
  let sum = 0;
  for (;;) {
    signal?.throwIfAborted();
    const deleted = deleteSome(ROWS);
    sum += deleted;
    if (deleted < ROWS) return sum;
    await setImmediate();
  }
}
