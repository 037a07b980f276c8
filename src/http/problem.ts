import { STATUS_CODES } from "node:http";
import { isSystemError, RefreshError } from "../base/errors.js";

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

/** Whether a mirror or the database cannot be read or written, rather than that Lockstep has a fault. */
export const isOfMachine = (error: unknown): boolean => error instanceof RefreshError || isSystemError(error);

/** The answer while a mirror or the database cannot be read or written. The log has what git said, with its paths. */
export const unreadable = ({ code, hint }: RefreshError) =>
  problem({
    status: 503,
    reason: code,
    detail: "a mirror or the database cannot be read or written",
    remedy: hint,
    headers: { "retry-after": "30" },
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
    remedy: "send Authorization: Bearer with the value of API_TOKEN, or a token of `lockstep tokens`",
    headers: { "www-authenticate": "Bearer" },
  });
