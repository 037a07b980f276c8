import type { RefreshError } from "../base/errors.js";

/** A number in [0, 1). */
export type Random = () => number;

const FIRST_MS = 2_000;
const CAP_MS = 10 * 60_000;
/** GitHub's replicas are seconds behind the webhook at most; after these, every ref is compared. */
const SOON_MS = [1_000, 2_000, 5_000, 15_000];

/**
 * Exponential backoff with full jitter, in milliseconds, at least half a second.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(attempt: number, random: Random = Math.random): number {
  const ceiling = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.max(500, Math.round(random() * ceiling));
}

/** When a failed request is due again, and whether it then compares every ref. */
export function retryDelayMs(
  error: RefreshError,
  attempt: number,
  random?: Random,
): { ms: number; full: boolean } {
  const { retry } = error;
  if (retry.kind === "after") return { ms: retry.ms, full: false };
  if (retry.kind === "soon") {
    const ms = SOON_MS[attempt - 1];
    return ms === undefined ? { ms: SOON_MS[0]!, full: true } : { ms, full: false };
  }
  return { ms: backoffMs(attempt, random), full: false };
}
