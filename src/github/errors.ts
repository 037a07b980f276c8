import { RequestError } from "@octokit/request-error";
import { type ErrorCode, networkError, RefreshError } from "../base/errors.js";
import { DEFAULT_WAIT_MS, untilReset, waitOf } from "./limits.js";

/** Whether GitHub refuses the token. */
export const isRefusal = (error: unknown): boolean => error instanceof RequestError && error.status === 401;

/**
 * Says what a failed REST call means.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
export function restError(error: unknown, now: () => number = Date.now): RefreshError {
  if (error instanceof RefreshError) return error;
  // Octokit wraps the error that fetch throws.
  const cause = (error as { cause?: unknown } | null)?.cause;
  if (cause instanceof RefreshError) return cause;
  if (!(error instanceof RequestError) || error.status === 0 || !error.response) {
    const { code } = (error as { cause?: { code?: string } })?.cause ?? {};
    return networkError("GitHub's API", code ?? "", error);
  }
  const { status, response } = error;
  const waitMs = limitedFor(status, response.headers, error.message, now());
  const code = waitMs === undefined ? codeOf(status, error.message) : "rate_limited";
  // The error itself is not passed on as a cause, because the request's headers contain the token.
  return new RefreshError(
    code,
    `GitHub's API answered ${status}: ${error.message.slice(0, 200)}`,
    waitMs === undefined ? {} : { retryAfterMs: waitMs },
  );
}

function codeOf(status: number, message: string): ErrorCode {
  if (/suspended/i.test(message)) return "suspended";
  // Minting a token failed: the installation has not accepted the App's permissions yet.
  if (status === 422 && /permissions requested/i.test(message)) return "forbidden";
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  if (status === 404 || status === 410 || status === 451) return "not_found";
  if (status >= 300 && status < 400) return "moved";
  return status >= 500 ? "upstream_error" : "internal";
}

/** @returns milliseconds to wait, when the answer says that a primary or secondary limit is used up */
function limitedFor(
  status: number,
  headers: Record<string, string | number | undefined>,
  message: string,
  now: number,
): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const after = Number(headers["retry-after"]);
  if (after > 0) return waitOf(after);
  if (String(headers["x-ratelimit-remaining"]) === "0")
    return untilReset(headers["x-ratelimit-reset"], headers.date, now);
  return status === 429 || /secondary rate limit/i.test(message) ? DEFAULT_WAIT_MS : undefined;
}
