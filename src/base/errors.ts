/** This file has the failures of a refresh, as they are thrown. error-codes.ts says what each code means. */
import { type ErrorCode, hasTrait, meaningOf, type RetryKind, type Trait } from "./error-codes.js";
import type { Resource } from "./resources.js";

export type { ErrorCode } from "./error-codes.js";

/**
 * `after`: GitHub asked to wait `ms` from now. The error's resource says what for: a run that certainly needs it
 * does not begin before, whatever comes in.
 */
export type Retry = { kind: RetryKind } | { kind: "after"; ms: number };

export class RefreshError extends Error {
  override readonly name = "RefreshError";
  readonly retry: Retry;
  readonly hint: string;
  /** What the failed call asked; undefined when the failure is not about a call to GitHub. */
  readonly resource?: Resource;

  /** @param retryAfterMs the wait that GitHub asked for, in milliseconds */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number; resource?: Resource } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const { retry: kind, hint } = meaningOf(code);
    this.hint = hint;
    if (options.resource) this.resource = options.resource;
    this.retry = options.retryAfterMs === undefined ? { kind } : { kind: "after", ms: options.retryAfterMs };
  }

  is(trait: Trait): boolean {
    return hasTrait(this.code, trait);
  }
}

/**
 * Returns the same failure with its subject added to the message; the wait that GitHub asked for stays.
 * @param resource what the call asked, where the subject knows more than the call did
 */
export function explained(
  cause: RefreshError,
  what: string,
  {
    code = cause.code,
    resource = cause.resource,
  }: { code?: ErrorCode; resource?: Resource | undefined } = {},
): RefreshError {
  const waits = cause.retry.kind === "after" ? { retryAfterMs: cause.retry.ms } : {};
  return new RefreshError(code, `${what}: ${cause.message}`, {
    cause,
    ...waits,
    ...(resource && { resource }),
  });
}

/** Turns anything thrown into a RefreshError: an unforeseen fault becomes `internal`. */
export function asRefreshError(error: unknown): RefreshError {
  if (error instanceof RefreshError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const system = systemErrorOf(error);
  const code = (system && codeOf(system)) ?? "internal";
  const detail = !system || message.includes(system.code) ? message : `${message} (${system.code})`;
  return new RefreshError(code, detail, { cause: error });
}

/** Whether the system or the database has failed, rather than Lockstep. */
export const isSystemError = (error: unknown): boolean => systemErrorOf(error) !== null;

/**
 * What a code of Node's, undici's or SQLite's means; the first match wins.
 * https://nodejs.org/api/errors.html#common-system-errors, https://undici.nodejs.org/#/docs/api/Errors,
 * https://sqlite.org/rescode.html
 */
const SYSTEM_CODES: readonly (readonly [ErrorCode, RegExp])[] = [
  ["disk_full", /^(?:ENOSPC|EDQUOT|SQLITE_FULL)$/],
  ["out_of_resources", /^(?:E[MN]FILE|ENOMEM|EAGAIN|SQLITE_NOMEM)$/],
  ["database_damaged", /^SQLITE_(?:CORRUPT|NOTADB)/],
  ["permission", /^(?:EROFS|SQLITE_(?:READONLY|CANTOPEN|PERM)\w*)$/],
  [
    "unreachable",
    /^(?:ECONN(?:RESET|REFUSED|ABORTED)|EPIPE|ETIMEDOUT|E(?:HOST|NET)UNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN)$/,
  ],
  [
    "unreachable",
    /^(?:UND_ERR_(?:SOCKET|(?:CONNECT|HEADERS|BODY)_TIMEOUT|CLOSED|DESTROYED|RES_\w+)|HPE_\w+|ERR_STREAM_PREMATURE_CLOSE)$/,
  ],
];

type SystemError = NodeJS.ErrnoException & { code: string };

/** An error of fetch() has what happened as its cause. @returns null: it is no error of the system's */
function systemErrorOf(error: unknown, depth = 0): SystemError | null {
  const { code, cause } = (error ?? {}) as SystemError;
  if (typeof code === "string" && /^(?:E[A-Z\d_]+|UND_ERR_|HPE_|SQLITE_)/.test(code))
    return error as SystemError;
  return cause !== undefined && depth < 5 ? systemErrorOf(cause, depth + 1) : null;
}

function codeOf(error: SystemError): ErrorCode | undefined {
  if (isForbiddenFile(error)) return "permission";
  return SYSTEM_CODES.find(([, pattern]) => pattern.test(error.code))?.[0];
}

/** A system error that names a path is about a file or directory, not about a program or an address. */
const isForbiddenFile = ({ code, path, syscall = "" }: SystemError): boolean =>
  ["EACCES", "EPERM"].includes(code) && path !== undefined && !/^(?:spawn|connect)/.test(syscall);

/**
 * Says what a failed connection means, by Node's or undici's error code.
 * https://nodejs.org/api/tls.html#x509-certificate-error-codes, https://undici.nodejs.org/#/docs/api/Errors
 */
export function networkError(
  whom: string,
  { code, resource }: { code: string; resource: Resource },
  cause: unknown,
): RefreshError {
  const tls = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/.test(code);
  const reason = code || (cause instanceof Error ? cause.message : String(cause));
  return new RefreshError(tls ? "tls" : "unreachable", `${whom}: ${reason}`, { cause, resource });
}

/** A consumer did not accept an event; the event is offered again. */
export class NotAccepted extends Error {
  override readonly name = "NotAccepted";

  /** @param retryAfterMs the wait that the consumer asked for */
  constructor(
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}
