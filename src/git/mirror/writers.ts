import { setMaxListeners } from "node:events";
import { createTurns, type Turns } from "./turns.js";

/**
 * Runs what writes to a mirror: one at a time for each repository, in the order of the calls, except that others go
 * before a call that can wait: a reader waits for what is fetched for it, and nobody for the backstop. A call within `act` for the same repository would wait for itself.
 * @throws the signal's reason when the signal fires before `act` begins
 */
export type Write = <T>(
  id: number,
  signal: AbortSignal,
  act: () => Promise<T>,
  options?: { canWait?: boolean },
) => Promise<T>;

/**
 * Runs what needs the mirror to itself for a moment, such as reading a ref and pinning its commit: between two writers,
 * or while the writer waits for GitHub. A call within another act for the same repository would wait for itself.
 * @throws the signal's reason when the signal fires before `act` begins
 */
export type Visit = <T>(id: number, signal: AbortSignal, act: () => Promise<T>) => Promise<T>;

/**
 * Lets visits have the mirror while its writer waits for something else. Only the writer calls it, and not again before
 * `wait` has ended. Meanwhile the writer neither changes refs nor replaces or cleans the mirror.
 */
export type Lend = <T>(id: number, wait: () => Promise<T>) => Promise<T>;

export interface Writers {
  write: Write;
  visit: Visit;
  lend: Lend;
}

const never = new AbortController().signal;
setMaxListeners(0, never);

/** Keeps refreshes, fetches of missing contents and changes of pins of one repository apart. */
export function createWriters(): Writers {
  const writers = createTurns();
  /** Who has the mirror at this moment: its writer, or a visit. */
  const moments = createTurns();
  const visit: Visit = async (id, signal, act) => {
    await moments.begin(id, signal);
    return endingTurn(moments, id, act);
  };
  return {
    async write(id, signal, act, options) {
      await writers.begin(id, signal, options);
      return endingTurn(writers, id, () => visit(id, signal, act));
    },
    visit,
    async lend(id, wait) {
      moments.end(id);
      try {
        return await wait();
      } finally {
        // Whatever became of the wait, the writer goes on; visits are short.
        await moments.begin(id, never);
      }
    },
  };
}

async function endingTurn<T>(turns: Turns, id: number, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } finally {
    turns.end(id);
  }
}
