import type { EventEmitter } from "node:events";
import PQueue from "p-queue";
import { monotonicMs } from "../../base/clock.js";
import { dropOldest } from "../../base/drop-oldest.js";

interface Entry<T> {
  drawing: Promise<T>;
  /** Null: it is not begun yet, so it will show all that has changed until then. */
  begun: { at: number; changes: number } | null;
}

interface Options {
  /** Emits "event" when something may have changed. */
  changed: EventEmitter;
  clock?: () => number;
}

/** What nothing was said to change is shown for this long, so that readers who ask at different times share it. */
const KEPT_MS = 1_000;
/** A drawing begins so long after the last one began, so all of them together take a small part of one processor. */
const EVERY_MS = 50;
/** So many addresses are remembered; the page of a repository takes about 100 KB. */
const MAX_KEPT = 32;

/** One drawing of each address serves all who ask for it until something changes. */
export interface Drawings<T> {
  /** @throws what `draw` throws, to all who wait for it */
  of(address: string, draw: () => Promise<T>): Promise<T>;
}

export function createDrawings<T>({ changed, clock = monotonicMs }: Options): Drawings<T> {
  const kept = new Map<string, Entry<T>>();
  const turns = new PQueue({ interval: EVERY_MS, intervalCap: 1 });
  let changes = 0;
  changed.on("event", () => {
    changes += 1;
  });

  const isCurrent = ({ begun }: Entry<T>) =>
    begun === null || (begun.changes === changes && clock() - begun.at < KEPT_MS);

  function begin(address: string, draw: () => Promise<T>): Entry<T> {
    const state: Pick<Entry<T>, "begun"> = { begun: null };
    const drawing = turns.add(() => {
      state.begun = { at: clock(), changes };
      return draw();
    });
    const entry: Entry<T> = Object.assign(state, { drawing });
    entry.drawing.catch(() => {
      if (kept.get(address) === entry) kept.delete(address);
    });
    return entry;
  }

  return {
    of(address, draw) {
      const known = kept.get(address);
      if (known && isCurrent(known)) return known.drawing;
      const entry = begin(address, draw);
      kept.delete(address);
      kept.set(address, entry);
      dropOldest(kept, MAX_KEPT);
      return entry.drawing;
    },
  };
}
