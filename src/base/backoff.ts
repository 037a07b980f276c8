/** Returns a number in [0, 1). */
export type Random = () => number;

const FIRST_MS = 2_000;
const CAP_MS = 10 * 60_000;
const SHORTEST_MS = 500;

/**
 * The wait is an exponential backoff with full jitter.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @param attempt 1 for the first failure
 * @returns milliseconds, from half a second to ten minutes
 */
export function backoffMs(attempt: number, random: Random = Math.random): number {
  const ceiling = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.max(SHORTEST_MS, Math.round(random() * ceiling));
}
