import { backoffMs, type Random } from "../base/backoff.js";
import type { RefreshError } from "../base/errors.js";

/** GitHub's replicas are at most seconds behind the webhook; after these retries every ref is compared, once. */
const SOON_MS = [1_000, 2_000, 5_000, 15_000];

/** Returns when a failed request is due again, and whether it then compares every ref for that reason. */
export function retryDelayMs(
  error: RefreshError,
  attempt: number,
  random?: Random,
): { ms: number; full: boolean } {
  const { retry } = error;
  if (retry.kind === "after") return { ms: retry.ms, full: false };
  if (retry.kind === "soon") {
    const ms = SOON_MS[attempt - 1];
    if (ms !== undefined) return { ms, full: false };
    if (attempt === SOON_MS.length + 1) return { ms: SOON_MS[0]!, full: true };
    // A comparison has met the same answer, so that the wait grows from where it was.
    return { ms: backoffMs(attempt - 1, random), full: false };
  }
  return { ms: backoffMs(attempt, random), full: false };
}
