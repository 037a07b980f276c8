import { RequestError } from "@octokit/request-error";
import { type ErrorCode, networkError, RefreshError } from "../base/errors.js";
import { asMessage } from "../base/message.js";
import { DEFAULT_WAIT_MS, type LimitOwner, untilReset, waitOf } from "./limits.js";

/** Whether GitHub refuses the token. */
export const isRefusal = (error: unknown): boolean => error instanceof RequestError && error.status === 401;

/**
 * Says what a failed REST call means.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
export function restError(
  error: unknown,
  whose: LimitOwner = "app",
  now: () => number = Date.now,
): RefreshError {
  if (error instanceof RefreshError) return error;
  // Octokit wraps the error that fetch throws.
  const cause = (error as { cause?: unknown } | null)?.cause;
  if (cause instanceof RefreshError) return cause;
  if (!(error instanceof RequestError) || error.status === 0 || !error.response) {
    // Octokit's answer had not the form that the call reads.
    if (error instanceof TypeError && cause === undefined)
      return new RefreshError("upstream_error", "GitHub's API gave an answer that is not GitHub's", {
        resource: { kind: "rest", whose },
      });
    const { code } = (error as { cause?: { code?: string } })?.cause ?? {};
    return networkError("GitHub's API", { code: code ?? "", resource: { kind: "rest", whose } }, error);
  }
  const { status, response } = error;
  const limited = limitedFor(status, response.headers, error.message, now());
  const said = messageOf(error);
  const code = limited ? "rate_limited" : codeOf(status, said ?? "");
  // The error itself is not passed on as a cause, because the request's headers contain the token.
  return new RefreshError(
    code,
    `GitHub's API answered ${status}${said === null ? "" : `: ${said}`}`,
    limited
      ? {
          retryAfterMs: limited.ms,
          resource: { kind: "rest", whose: limited.isPrimary ? whose : "everything" },
        }
      : { resource: { kind: "rest", whose } },
  );
}

/**
 * Returns what GitHub says of the failure. Null: the answer has no message, such as a page in HTML, which a proxy or a
 * gateway sends in place of GitHub's answer; Octokit takes its whole text for the message.
 */
function messageOf({ response, message }: RequestError): string | null {
  const data = response?.data as { message?: unknown } | null | undefined;
  return typeof data === "object" && typeof data?.message === "string" ? asMessage(message) : null;
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

/**
 * @returns milliseconds to wait, when the answer says that a limit is used up: its owner's primary limit, or the
 * secondary one of all calls
 */
function limitedFor(
  status: number,
  headers: Record<string, string | number | undefined>,
  message: string,
  now: number,
): { ms: number; isPrimary: boolean } | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const after = Number(headers["retry-after"]);
  if (after > 0) return { ms: waitOf(after), isPrimary: false };
  if (String(headers["x-ratelimit-remaining"]) === "0")
    return { ms: untilReset(headers["x-ratelimit-reset"], headers.date, now), isPrimary: true };
  const isSecondary = status === 429 || /secondary rate limit/i.test(message);
  return isSecondary ? { ms: DEFAULT_WAIT_MS, isPrimary: false } : undefined;
}
