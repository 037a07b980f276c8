/**
 * Every code of a failed refresh, with what follows from it. The code is the reason in the log and the
 * API and the label in metrics; docs/failures.md has a line for each.
 */

/**
 * The queue's order after a failure.
 * - `backoff`: again, exponentially later, with jitter.
 * - `soon`: again after 1, 2, 5 and 15 s, then with a full comparison; for GitHub's replication lag.
 * - `reconcile`: what we know of the repository is wrong; ask GitHub about it, then again.
 * - `full`: again at once, with a full comparison.
 * - `rebuild`: the mirror is proven corrupt; clone it anew beside, then again.
 * - `never`: nothing will change until someone acts; the backstop looks again.
 */
export type RetryKind = "backoff" | "soon" | "reconcile" | "full" | "rebuild" | "never";

/**
 * What a code says beyond its retry, for those who ask about a failure without knowing every code.
 * - `postponed`: nothing is wrong with the repository; its refresh is only put off.
 * - `concernsAccess`: a person at GitHub can put it right, by access for the App or by unsuspending it.
 * - `notVisible`: GitHub does not show the repository to us under this name.
 * - `concernsEveryCall`: whatever is asked of GitHub fails this way.
 * - `isAnswer`: GitHub has answered in full, and git has not begun to take anything in.
 * - `doubtsMirror`: the mirror's own state is in doubt until it has been looked through.
 * - `passesOnceCleared`: clearing the leftovers of git or of maintenance in the mirror may end it.
 * - `outsideTheTree`: the reason lies outside a published tree's files, so writing them again is no help.
 */
export type Trait =
  | "postponed"
  | "concernsAccess"
  | "notVisible"
  | "concernsEveryCall"
  | "isAnswer"
  | "doubtsMirror"
  | "passesOnceCleared"
  | "outsideTheTree";

interface Meaning {
  retry: RetryKind;
  traits?: readonly Trait[];
  /** What a person can do, shown wherever the code is. */
  hint: string;
}

const CODES = {
  unreachable: {
    retry: "backoff",
    traits: ["concernsEveryCall", "outsideTheTree"],
    hint: "GitHub cannot be reached; check network, DNS and HTTPS_PROXY.",
  },
  upstream_error: {
    retry: "backoff",
    traits: ["outsideTheTree"],
    hint: "GitHub answered with a server error; see https://www.githubstatus.com.",
  },
  rate_limited: {
    retry: "backoff",
    traits: ["concernsEveryCall"],
    hint: "GitHub's rate limit is used up; Lockstep waits as long as GitHub asks.",
  },
  tls: {
    retry: "backoff",
    traits: ["concernsEveryCall"],
    hint: "GitHub's certificate is not trusted; name your CA file in NODE_EXTRA_CA_CERTS.",
  },
  unauthorized: {
    retry: "backoff",
    traits: ["concernsAccess", "concernsEveryCall"],
    hint: "GitHub refused a fresh token; check APP_ID, PRIVATE_KEY and the server's clock.",
  },
  forbidden: {
    retry: "backoff",
    traits: ["concernsAccess", "notVisible"],
    hint: "GitHub refuses access; check the App's permissions (Contents: read) and IP allow lists.",
  },
  not_found: {
    retry: "reconcile",
    traits: ["concernsAccess", "notVisible"],
    hint: "GitHub knows no such repository for this installation; it is looked up by its id.",
  },
  moved: {
    retry: "reconcile",
    traits: ["notVisible"],
    hint: "The repository was renamed or transferred; it is looked up by its id.",
  },
  suspended: {
    retry: "never",
    traits: ["concernsAccess"],
    hint: "The installation is suspended; the owner of the account can unsuspend it.",
  },
  paused: {
    retry: "never",
    traits: ["postponed"],
    hint: "An operator has paused the repository; resume it to bring it in step again.",
  },
  removal_held: {
    retry: "never",
    hint: "GitHub no longer shows it, together with many others of its installation; confirm the removal, or give the App access again.",
  },
  history_blocked: {
    retry: "never",
    hint: "A ref was moved by force or deleted at GitHub and is held where it was; allow the change to take it over.",
  },
  timeout: {
    retry: "backoff",
    traits: ["doubtsMirror", "outsideTheTree"],
    hint: "git took longer than FETCH_TIMEOUT (CLONE_TIMEOUT for a first clone); raise it for large repositories.",
  },
  not_yet: {
    retry: "soon",
    traits: ["postponed", "isAnswer"],
    hint: "GitHub does not serve the pushed commit, or know the new repository, yet; it is asked again shortly.",
  },
  tip_moved: {
    retry: "full",
    traits: ["doubtsMirror"],
    hint: "A ref was not where it was expected; every ref is compared.",
  },
  ref_conflict: {
    retry: "full",
    hint: "A branch name is a directory of another one; every ref is compared.",
  },
  ref_missing: {
    retry: "full",
    traits: ["isAnswer"],
    hint: "GitHub does not have the ref; every ref is compared.",
  },
  locked: {
    retry: "backoff",
    traits: ["doubtsMirror", "passesOnceCleared"],
    hint: "Another git holds a lock in the mirror; it is cleared when no git of ours runs there.",
  },
  disk_full: {
    retry: "backoff",
    traits: ["outsideTheTree"],
    hint: "The disk of DATA_DIR is full; free some space. Nothing was deleted.",
  },
  disk_low: {
    retry: "backoff",
    hint: "Less than MIN_FREE_DISK is free: nothing is cloned until there is more. Refreshes go on.",
  },
  permission: {
    retry: "backoff",
    hint: "DATA_DIR, or something in it, cannot be written; check owner, mode and attributes (lsattr).",
  },
  corrupt: {
    retry: "rebuild",
    traits: ["doubtsMirror", "passesOnceCleared"],
    hint: "The mirror is damaged; it is cloned anew beside and then replaced.",
  },
  tree_unsound: {
    retry: "backoff",
    hint: "A working tree did not turn out as its commit has it, and was not published; the old one stays.",
  },
  tree_refused: {
    retry: "never",
    hint: "The commit, or one of its submodules, has a path that git does not write, such as .git; the old tree stays.",
  },
  contents_missing: {
    retry: "backoff",
    hint: "GitHub does not give the contents of a file that a partial mirror does not have: the commit is no longer there. What is published stays; push or allow another commit.",
  },
  submodule_refused: {
    retry: "never",
    hint: "A submodule cannot be published; the old tree stays. Allow its repository in SUBMODULES_FROM, give the App access to it, or mend .gitmodules.",
  },
  submodule_missing: {
    retry: "backoff",
    traits: ["outsideTheTree"],
    hint: "GitHub does not have a submodule's commit; the old tree stays. Push the commit to the submodule's repository.",
  },
  lfs_missing: {
    retry: "backoff",
    traits: ["outsideTheTree"],
    hint: "GitHub does not give a file of Git LFS; the old tree stays. Push it with git lfs push --all, and look at the account's LFS quota.",
  },
  lfs_unsound: {
    retry: "backoff",
    traits: ["outsideTheTree"],
    hint: "A file of Git LFS is not the one that its pointer names; the old tree stays.",
  },
  foreign: {
    retry: "never",
    hint: "The directory has no mark of Lockstep and is left alone; move it away.",
  },
  cancelled: {
    retry: "backoff",
    traits: ["postponed"],
    hint: "Lockstep was stopping; the request is kept and resumes at the next start.",
  },
  no_git: {
    retry: "backoff",
    hint: "git cannot be started; install git 2.38 or newer and have it in PATH.",
  },
  git: {
    retry: "backoff",
    traits: ["doubtsMirror"],
    hint: "git failed in a way that Lockstep has no name for; its message is in the log.",
  },
  internal: {
    retry: "backoff",
    hint: "A fault in Lockstep; please report it with the log line.",
  },
} as const satisfies Record<string, Meaning>;

export type ErrorCode = keyof typeof CODES;

export const ERROR_CODES = Object.keys(CODES) as ErrorCode[];

export const meaningOf = (code: ErrorCode): Meaning => CODES[code];

export const codesWith = (trait: Trait): ErrorCode[] =>
  ERROR_CODES.filter((code) => meaningOf(code).traits?.includes(trait));

/** @param code may come from stored data: one that this version does not know has no traits */
export const hasTrait = (code: string, trait: Trait): boolean =>
  (codesWith(trait) as string[]).includes(code);
