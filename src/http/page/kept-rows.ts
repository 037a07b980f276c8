import { raw } from "hono/html";
import { monotonicMs } from "../../base/clock.js";

/** A row says how long ago something was; the script counts on, and a reader without it sees ages this old. */
const KEPT_MS = 10_000;
const MAX_KEPT = 500;

/**
 * Keeps drawn rows of a list, because most are as they were when a page asks again.
 * @returns draws a row anew only when what it is drawn of has changed; its key says which row it is, and where
 */
export function keepRows() {
  const kept = new Map<string, { drawnOf: string; at: number; text: string }>();
  return (key: string, of: object, draw: () => unknown) => {
    const drawnOf = JSON.stringify(of);
    const known = kept.get(key);
    if (known && known.drawnOf === drawnOf && monotonicMs() - known.at < KEPT_MS) return raw(known.text);
    const text = String(draw());
    kept.delete(key);
    if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value!);
    kept.set(key, { drawnOf, at: monotonicMs(), text });
    return raw(text);
  };
}
