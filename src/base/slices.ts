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

/** Lets other work run before what follows. */
export const nextTurn = (): Promise<void> => setImmediate();

/** Several loops in a row, each shorter than a slice, must not make a long one. */
const SHORT_MS = 1;

/** Calls `act` with each entry in turn, and lets other work run in between, and after a loop that was not short. */
export async function forEachInSlices<T>(all: Iterable<T>, act: (entry: T) => void): Promise<void> {
  const began = performance.now();
  const slice = beginSlice();
  for (const entry of all) {
    act(entry);
    if (slice.isOver()) await slice.next();
  }
  if (performance.now() - began >= SHORT_MS) await nextTurn();
}

/** Does what an array's `map` does, in slices. */
export async function mapInSlices<T, R>(all: Iterable<T>, act: (entry: T) => R): Promise<R[]> {
  const results: R[] = [];
  await forEachInSlices(all, (entry) => void results.push(act(entry)));
  return results;
}

/** Does what an array's `filter` does, in slices. */
export async function selectInSlices<T>(all: Iterable<T>, isWanted: (entry: T) => boolean): Promise<T[]> {
  const selected: T[] = [];
  await forEachInSlices(all, (entry) => {
    if (isWanted(entry)) selected.push(entry);
  });
  return selected;
}

/** Rows that one transaction changes at most: they take some milliseconds, and one sync of the disk. */
const ROWS_AT_ONCE = 50;

/**
 * Calls `act` with a few entries after the other, and lets other work run in between. What `act` has done stays done when
 * a later call throws.
 */
export async function forSomeAtOnce<T>(all: readonly T[], act: (some: readonly T[]) => void): Promise<void> {
  for (let from = 0; from < all.length; from += ROWS_AT_ONCE) {
    if (from > 0) await setImmediate();
    act(all.slice(from, from + ROWS_AT_ONCE));
  }
}

/** Reads a long text line by line, without an array of all lines. What follows the last line end is a line, too. */
export function* linesOf(text: string): Iterable<string> {
  let from = 0;
  for (let to = text.indexOf("\n"); to !== -1; to = text.indexOf("\n", from)) {
    yield text.slice(from, to);
    from = to + 1;
  }
  yield text.slice(from);
}

/** As many answers are awaited together; all of them at once would run one after the other without a pause. */
const TOGETHER = 5_000;

/** Calls `act` with many entries at a time, so that what they ask is answered together. @returns the answers, in order */
export async function mapTogether<T, R>(all: readonly T[], act: (entry: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let from = 0; from < all.length; from += TOGETHER) {
    const asked = await mapInSlices(all.slice(from, from + TOGETHER), (entry) => {
      const answer = act(entry);
      // One that fails while others are asked is met below.
      answer.catch(() => {});
      return answer;
    });
    for (const answer of await Promise.all(asked)) answers.push(answer);
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
