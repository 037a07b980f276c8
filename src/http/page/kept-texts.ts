import { monotonicMs } from "../../base/clock.js";

/** A drawn text says how long ago something was. The script counts on, and a reader without it sees ages this old. */
const KEPT_MS = 10_000;

/**
 * Keeps what was drawn, because most of a page is as it was when the page asks again.
 * @param limit how many texts are kept; the oldest one goes
 * @returns a function that draws only if the text of the key is old, or was drawn of something else
 */
export function keepTexts(limit: number): (key: string, drawnOf: string, draw: () => string) => string {
  const kept = new Map<string, { drawnOf: string; at: number; text: string }>();
  return (key, drawnOf, draw) => {
    const known = kept.get(key);
    if (known?.drawnOf === drawnOf && monotonicMs() - known.at < KEPT_MS) return known.text;
    const text = draw();
    kept.delete(key);
    if (kept.size >= limit) kept.delete(kept.keys().next().value!);
    kept.set(key, { drawnOf, at: monotonicMs(), text });
    return text;
  };
}
