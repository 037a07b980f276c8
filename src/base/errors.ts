/**
 * Failures of a refresh. The code is the reason in the log and the API and the label in metrics;
 * the retry policy is the queue's order.
 */

/**
 * - `backoff`: again, exponentially later, with jitter.
 * - `soon`: again after 1, 2, 5 and 15 s, then with a full comparison; for GitHub's replication lag.
 * - `after`: not before `ms` from now, whatever else comes in (GitHub's Retry-After).
 * - `reconcile`: what we know of the repository is wrong; ask GitHub about it, then again.
 * - `full`: again at once, with a full comparison.
 * - `rebuild`: the mirror is proven corrupt; clone it anew beside, then again.
 * - `never`: nothing will change until someone acts; the backstop looks again.
 */
export type Retry =
  | { kind: "backoff" | "soon" | "reconcile" | "full" | "rebuild" | "never" }
  | { kind: "after"; ms: number };

const POLICY = {
  unreachable: ["backoff", "GitHub cannot be reached; check network, DNS and HTTPS_PROXY."],
  upstream_error: ["backoff", "GitHub answered with a server error; see https://www.githubstatus.com."],
  rate_limited: ["backoff", "GitHub's rate limit is used up; Lockstep waits as long as GitHub asks."],
  tls: ["backoff", "GitHub's certificate is not trusted; name your CA file in NODE_EXTRA_CA_CERTS."],
  unauthorized: [
    "backoff",
    "GitHub refused a fresh token; check APP_ID, PRIVATE_KEY and the server's clock.",
  ],
  forbidden: [
    "backoff",
    "GitHub refuses access; check the App's permissions (Contents: read) and IP allow lists.",
  ],
  not_found: [
    "reconcile",
    "GitHub knows no such repository for this installation; it is looked up by its id.",
  ],
  moved: ["reconcile", "The repository was renamed or transferred; it is looked up by its id."],
  suspended: ["never", "The installation is suspended; the owner of the account can unsuspend it."],
  paused: ["never", "An operator has paused the repository; resume it to bring it in step again."],
  removal_held: [
    "never",
    "GitHub no longer shows it, together with many others of its installation; confirm the removal, or give the App access again.",
  ],
  history_blocked: [
    "never",
    "A ref was moved by force or deleted at GitHub and is held where it was; allow the change to take it over.",
  ],
  timeout: [
    "backoff",
    "git took longer than FETCH_TIMEOUT (CLONE_TIMEOUT for a first clone); raise it for large repositories.",
  ],
  not_yet: [
    "soon",
    "GitHub does not serve the pushed commit, or know the new repository, yet; it is asked again shortly.",
  ],
  tip_moved: ["full", "A ref was not where it was expected; every ref is compared."],
  ref_conflict: ["full", "A branch name is a directory of another one; every ref is compared."],
  ref_missing: ["full", "GitHub does not have the ref; every ref is compared."],
  locked: [
    "backoff",
    "Another git holds a lock in the mirror; it is cleared when no git of ours runs there.",
  ],
  disk_full: ["backoff", "The disk of DATA_DIR is full; free some space. Nothing was deleted."],
  disk_low: [
    "backoff",
    "Less than MIN_FREE_DISK is free: nothing is cloned until there is more. Refreshes go on.",
  ],
  permission: [
    "backoff",
    "DATA_DIR, or something in it, cannot be written; check owner, mode and attributes (lsattr).",
  ],
  corrupt: ["rebuild", "The mirror is damaged; it is cloned anew beside and then replaced."],
  tree_unsound: [
    "backoff",
    "A working tree did not turn out as its commit has it, and was not published; the old one stays.",
  ],
  tree_refused: [
    "never",
    "The commit, or one of its submodules, has a path that git does not write, such as .git; the old tree stays.",
  ],
  contents_missing: [
    "backoff",
    "GitHub does not give the contents of a file that a partial mirror does not have: the commit is no longer there. What is published stays; push or allow another commit.",
  ],
  submodule_refused: [
    "never",
    "A submodule cannot be published; the old tree stays. Allow its repository in SUBMODULES_FROM, give the App access to it, or mend .gitmodules.",
  ],
  submodule_missing: [
    "backoff",
    "GitHub does not have a submodule's commit; the old tree stays. Push the commit to the submodule's repository.",
  ],
  lfs_missing: [
    "backoff",
    "GitHub does not give a file of Git LFS; the old tree stays. Push it with git lfs push --all, and look at the account's LFS quota.",
  ],
  lfs_unsound: ["backoff", "A file of Git LFS is not the one that its pointer names; the old tree stays."],
  foreign: ["never", "The directory has no mark of Lockstep and is left alone; move it away."],
  cancelled: ["backoff", "Lockstep was stopping; the request is kept and resumes at the next start."],
  no_git: ["backoff", "git cannot be started; install git 2.38 or newer and have it in PATH."],
  git: ["backoff", "git failed in a way that Lockstep has no name for; its message is in the log."],
  internal: ["backoff", "A fault in Lockstep; please report it with the log line."],
} as const satisfies Record<string, readonly [Retry["kind"], string]>;

export type ErrorCode = keyof typeof POLICY;

export const ERROR_CODES = Object.keys(POLICY) as ErrorCode[];

export class RefreshError extends Error {
  override readonly name = "RefreshError";
  readonly retry: Retry;
  readonly hint: string;

  /** @param retryAfterMs GitHub's own word on when to come back, in milliseconds. */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const [kind, hint] = POLICY[code];
    this.hint = hint;
    this.retry =
      options.retryAfterMs === undefined ? ({ kind } as Retry) : { kind: "after", ms: options.retryAfterMs };
  }
}

/** The same failure, with what it is about; GitHub's word on when to come back stays. */
export function explained(cause: RefreshError, what: string, code: ErrorCode = cause.code): RefreshError {
  const waits = cause.retry.kind === "after" ? { retryAfterMs: cause.retry.ms } : {};
  return new RefreshError(code, `${what}: ${cause.message}`, { cause, ...waits });
}

/** Anything thrown, as a RefreshError: faults nobody foresaw become `internal`. */
export function asRefreshError(error: unknown): RefreshError {
  if (error instanceof RefreshError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RefreshError(isForbiddenFile(error) ? "permission" : "internal", message, { cause: error });
}

/** The system's word on a file or directory, which its message names; not on a program or an address. */
function isForbiddenFile(error: unknown): boolean {
  const { code = "", path, syscall = "" } = (error ?? {}) as NodeJS.ErrnoException;
  return (
    ["EACCES", "EPERM", "EROFS"].includes(code) && path !== undefined && !/^(?:spawn|connect)/.test(syscall)
  );
}

/**
 * What a failed connection means, by Node's or undici's error code.
 * https://nodejs.org/api/tls.html#x509-certificate-error-codes, https://undici.nodejs.org/#/docs/api/Errors
 */
export function networkError(whom: string, code: string, cause: unknown): RefreshError {
  const tls = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/.test(code);
  const reason = code || (cause instanceof Error ? cause.message : String(cause));
  return new RefreshError(tls ? "tls" : "unreachable", `${whom}: ${reason}`, { cause });
}

/** A consumer did not take an event; it is offered again. */
export class NotTaken extends Error {
  override readonly name = "NotTaken";

  /** @param retryAfterMs the consumer's own word on when to come back */
  constructor(
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}
