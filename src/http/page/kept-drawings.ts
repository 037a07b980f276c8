import { monotonicMs } from "../../base/clock.js";
import { dropOldest } from "../../base/drop-oldest.js";

/** A drawing says how long ago something was. The script counts on, and a reader without it sees ages this old. */
const KEPT_MS = 10_000;

interface Kept<T> {
  drawing: T;
  /** No other drawing has this number, and a drawing keeps it for as long as it is drawn of the same. */
  version: number;
}

export interface Keep<T> {
  /** Draws only if the drawing of the key is old, or was drawn of something else. */
  (key: string, drawnOf: string, draw: () => T): Kept<T>;
  /** Returns the drawing that the key had last, however old; undefined: it is not kept. */
  last(key: string): T | undefined;
}

let versions = 0;

/**
 * Keeps what was drawn, because most of a page is as it was when the page asks again.
 * @param limit how many drawings are kept; the oldest one goes
 */
export function keepDrawings<T>(limit: number): Keep<T> {
  const kept = new Map<string, Kept<T> & { drawnOf: string; at: number }>();
  const keep = (key: string, drawnOf: string, draw: () => T): Kept<T> => {
    const known = kept.get(key);
    const isSame = known?.drawnOf === drawnOf;
    if (isSame && monotonicMs() - known.at < KEPT_MS) return known;
    const drawing = draw();
    kept.delete(key);
    const now = { drawing, drawnOf, at: monotonicMs(), version: isSame ? known.version : ++versions };
    kept.set(key, now);
    dropOldest(kept, limit);
    return now;
  };
  return Object.assign(keep, { last: (key: string) => kept.get(key)?.drawing });
}
