import { STATUS_CODES } from "node:http";

/** What a client is told when something cannot be done. */
export interface Problem {
  status: number;
  /** A word for programs; of a failed refresh its error code. */
  reason: string;
  detail: string;
  /** What to do about it. */
  remedy: string;
  headers?: Record<string, string>;
}

/** A problem as RFC 9457 has it, with two members of ours: `reason` and `remedy`. */
export function problem({ status, reason, detail, remedy, headers }: Problem): Response {
  const body = { type: "about:blank", title: STATUS_CODES[status], status, detail, reason, remedy };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}

/** The token was wrong so often that not even that is told any more. */
export const wrongTooOften = (seconds: number) =>
  problem({
    status: 429,
    reason: "too_many_attempts",
    detail: "too many wrong bearer tokens",
    remedy: `send the value of API_TOKEN, or try again in ${seconds} seconds`,
    headers: { "retry-after": String(seconds) },
  });

/** The token is missing or wrong. */
export const unauthorized = () =>
  problem({
    status: 401,
    reason: "unauthorized",
    detail: "the bearer token is missing or wrong",
    remedy: "send Authorization: Bearer with the value of API_TOKEN",
    headers: { "www-authenticate": "Bearer" },
  });
