import type { BodyFailure } from "./body.js";

/** A request that is answered with an error. */
export interface Refusal {
  kind: "refused";
  status: number;
  /** The reason in the log. */
  reason: string;
  error: string;
  hint: string;
  /** The value of Retry-After, in seconds. */
  retryAfter?: number;
  cause?: unknown;
}

const TABLE = {
  missing_header: [
    400,
    "a header is missing",
    "X-GitHub-Event, X-GitHub-Delivery and X-Hub-Signature-256 are needed; set a secret in the App's webhook settings",
  ],
  bad_header: [
    400,
    "X-GitHub-Event or X-GitHub-Delivery is malformed",
    "only GitHub should send deliveries here",
  ],
  too_large: [413, "the body is larger than 25 MiB", "GitHub never sends a larger one"],
  fragmented: [400, "the body comes in too many small pieces", "send it with a Content-Length"],
  unsupported_media_type: [
    415,
    "the body is neither JSON nor form-encoded",
    "choose application/json as the webhook's content type",
  ],
  too_slow: [408, "the body arrived too slowly", "redeliver it"],
  overloaded: [503, "too many deliveries are arriving at once", "try again later"],
  bad_signature: [
    401,
    "the signature does not match",
    "WEBHOOK_SECRET and the secret in the App's webhook settings must be equal",
  ],
  owned_elsewhere: [421, "another node owns the repository", "the nodes of the cluster try the next one"],
  malformed: [400, "the payload is not valid JSON", "redeliver it"],
  stopping: [503, "the server is stopping", "try again later"],
  cannot_persist: [503, "the delivery cannot be stored", "see the server's log"],
} as const satisfies Record<string, readonly [number, string, string]> & Record<Failure, unknown>;

type Failure = Exclude<BodyFailure, "aborted">;
type Reason = keyof typeof TABLE;

/** Every refusal of a delivery, by its reason. */
export const REFUSALS = Object.fromEntries(
  Object.entries(TABLE).map(([reason, [status, error, hint]]) => [
    reason,
    { kind: "refused", status, reason, error, hint, ...(status === 503 && { retryAfter: 5 }) },
  ]),
) as Readonly<Record<Reason, Refusal>>;

/** @param retryAfter in seconds */
export function rateLimited(retryAfter: number): Refusal {
  const error = "too many requests from this address";
  const hint = "raise WEBHOOK_RATE, or set TRUSTED_PROXIES to your proxy";
  return { kind: "refused", status: 429, reason: "rate_limited", error, hint, retryAfter };
}

export const isRefusal = (value: object): value is Refusal => "kind" in value && value.kind === "refused";
