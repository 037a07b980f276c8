import { backoffMs, type Random } from "../base/backoff.js";
import type { RefreshError } from "../base/errors.js";

/** GitHub's replicas are at most seconds behind the webhook; after these retries every ref is compared. */
const SOON_MS = [1_000, 2_000, 5_000, 15_000];

/** Returns when a failed request is due again, and whether it then compares every ref. */
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
