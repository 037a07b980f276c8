import { STATUS_CODES } from "node:http";

/** An answer that explains why a request failed. */
export interface Problem {
  status: number;
  /** A word for programs; for a failed refresh, its error code. */
  reason: string;
  detail: string;
  /** The remedy. */
  remedy: string;
  headers?: Record<string, string>;
}

/** A problem in the form of RFC 9457, with two additional members: `reason` and `remedy`. */
export function problem({ status, reason, detail, remedy, headers }: Problem): Response {
  const body = { type: "about:blank", title: STATUS_CODES[status], status, detail, reason, remedy };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}

/** The answer after too many wrong tokens from one address. */
export const wrongTooOften = (seconds: number) =>
  problem({
    status: 429,
    reason: "too_many_attempts",
    detail: "too many wrong bearer tokens",
    remedy: `send the value of API_TOKEN, or try again in ${seconds} seconds`,
    headers: { "retry-after": String(seconds) },
  });

/** The answer to an address that asks too often. */
export const askedTooOften = (seconds: number) =>
  problem({
    status: 429,
    reason: "rate_limited",
    detail: "too many requests from this address",
    remedy: `try again in ${seconds} seconds; raise WEBHOOK_RATE, or set TRUSTED_PROXIES to your proxy`,
    headers: { "retry-after": String(seconds) },
  });

/** The answer to a missing or wrong token. */
export const unauthorized = () =>
  problem({
    status: 401,
    reason: "unauthorized",
    detail: "the bearer token is missing or wrong",
    remedy: "send Authorization: Bearer with the value of API_TOKEN",
    headers: { "www-authenticate": "Bearer" },
  });
