import { monotonicMs } from "../base/clock.js";

/** Caches the result of `read` for `ms` milliseconds. */
export function cached<T>(ms: number, read: () => T, now: () => number = monotonicMs): () => T {
  let last: { value: T; at: number } | undefined;
  return () => {
    if (!last || now() - last.at >= ms) last = { value: read(), at: now() };
    return last.value;
  };
}
