/**
 * This file lists every code of a failed refresh, with what follows from the code. The code is the reason in
 * the log and the API, and the label in metrics. docs/failures.md has a line for each code.
 */

/**
 * How the queue repeats a request after a failure.
 * - `backoff`: the queue tries again, exponentially later, with jitter.
 * - `soon`: the queue tries again after 1, 2, 5 and 15 s, then with a full comparison, then like `backoff`;
 *   for GitHub's replication lag.
 * - `reconcile`: what Lockstep knows of the repository is wrong; Lockstep asks GitHub about the repository,
 *   then tries again.
 * - `full`: the refresh runs again at once, with a full comparison.
 * - `rebuild`: the mirror is proven corrupt; Lockstep clones a new one beside it, then tries again.
 * - `slot`: the run was ended to make way; the request runs again, as long work, without using up an attempt.
 * - `never`: nothing changes until a person acts; the backstop checks later.
 */
export type RetryKind = "backoff" | "soon" | "reconcile" | "full" | "rebuild" | "slot" | "never";

/**
 * What a code says beyond its retry. A caller asks for a trait without knowing every code.
 * - `postponed`: nothing is wrong with the repository; its refresh is only postponed.
 * - `concernsAccess`: a person at GitHub can fix the failure, by giving the App access or by unsuspending it.
 * - `notVisible`: GitHub does not show the App a repository under this name.
 * - `concernsEveryCall`: every call to GitHub fails this way.
 * - `concernsEveryRefresh`: the machine is at fault, so every refresh fails this way.
 * - `serverIsSilent`: the server gave no useful answer; several such failures at a time mean that it is out.
 * - `endsWithRoom`: the failure passes as soon as there is room on the disk, whatever the backoff.
 * - `isAnswer`: GitHub has answered in full, and git has not begun to store anything.
 * - `doubtsMirror`: the mirror's own state is in doubt until the mirror has been checked.
 * - `passesOnceCleared`: clearing the leftovers of git or of maintenance in the mirror may end the failure.
 * - `outsideTheTree`: the cause is outside a published tree's files, so writing the files again does not
 *   help.
 */
export type Trait =
  | "postponed"
  | "concernsAccess"
  | "notVisible"
  | "concernsEveryCall"
  | "concernsEveryRefresh"
  | "serverIsSilent"
  | "endsWithRoom"
  | "isAnswer"
  | "doubtsMirror"
  | "passesOnceCleared"
  | "outsideTheTree";

interface Meaning {
  retry: RetryKind;
  traits?: readonly Trait[];
  /** The hint says what a person can do, and is shown wherever the code is. */
  hint: string;
}

const CODES = {
  unreachable: {
    retry: "backoff",
    traits: ["concernsEveryCall", "serverIsSilent", "outsideTheTree"],
    hint: "GitHub cannot be reached; check network, DNS and HTTPS_PROXY.",
  },
  upstream_error: {
    retry: "backoff",
    traits: ["serverIsSilent", "outsideTheTree"],
    hint: "GitHub returned a server error; see https://www.githubstatus.com.",
  },
  rate_limited: {
    retry: "backoff",
    traits: ["concernsEveryCall"],
    hint: "GitHub's rate limit is exhausted; Lockstep waits as long as GitHub asks.",
  },
  tls: {
    retry: "backoff",
    traits: ["concernsEveryCall"],
    hint: "GitHub's certificate is not trusted; set NODE_EXTRA_CA_CERTS to your CA file.",
  },
  unauthorized: {
    retry: "backoff",
    traits: ["concernsAccess", "concernsEveryCall"],
    hint: "GitHub rejected a new token; check APP_ID, PRIVATE_KEY and the server's clock.",
  },
  forbidden: {
    retry: "backoff",
    traits: ["concernsAccess", "notVisible"],
    hint: "GitHub denied access; check the App's permissions (Contents: read) and IP allow lists.",
  },
  not_found: {
    retry: "reconcile",
    traits: ["concernsAccess", "notVisible"],
    hint: "This installation has no repository of that name at GitHub; Lockstep looks the repository up by its id.",
  },
  moved: {
    retry: "reconcile",
    traits: ["notVisible"],
    hint: "The repository was renamed or transferred; Lockstep looks it up by its id.",
  },
  suspended: {
    retry: "never",
    traits: ["concernsAccess"],
    hint: "The installation is suspended; the owner of the account can unsuspend it.",
  },
  paused: {
    retry: "never",
    traits: ["postponed"],
    hint: "An operator paused the repository; resume it to bring it back in step.",
  },
  removal_held: {
    retry: "never",
    hint: "GitHub no longer lists this and many other repositories of the installation; confirm the removal, or restore the App's access.",
  },
  history_blocked: {
    retry: "never",
    hint: "A ref was force-pushed or deleted at GitHub and is held at its old tip; allow the change to apply it.",
  },
  refs_vanished: {
    retry: "backoff",
    hint: "GitHub no longer lists most of the repository's refs. Nothing was deleted. If that is right, allow it: lockstep allow OWNER/NAME 'refs/*'.",
  },
  timeout: {
    retry: "backoff",
    traits: ["doubtsMirror", "serverIsSilent", "outsideTheTree"],
    hint: "git made no progress for FETCH_TIMEOUT, or took longer than CLONE_TIMEOUT; raise it for large repositories.",
  },
  not_yet: {
    retry: "soon",
    traits: ["postponed", "isAnswer"],
    hint: "GitHub does not serve the pushed commit or the new repository yet; Lockstep asks again shortly.",
  },
  tip_moved: {
    retry: "full",
    traits: ["doubtsMirror"],
    hint: "A ref was not at its expected tip; Lockstep compares every ref.",
  },
  ref_conflict: {
    retry: "full",
    hint: "One ref's name is a prefix of another's, such as a and a/b; Lockstep compares every ref.",
  },
  ref_refused: {
    retry: "never",
    hint: "git or the disk refuses to write a ref of this name; every other ref is in step. Rename the ref at GitHub.",
  },
  ref_missing: {
    retry: "full",
    traits: ["isAnswer"],
    hint: "GitHub does not have the ref; Lockstep compares every ref.",
  },
  locked: {
    retry: "backoff",
    traits: ["doubtsMirror", "passesOnceCleared"],
    hint: "A lock file is in the mirror; Lockstep removes it once none of its own git processes runs there.",
  },
  disk_full: {
    retry: "backoff",
    traits: ["concernsEveryRefresh", "outsideTheTree", "endsWithRoom"],
    hint: "A disk that Lockstep writes to is full, or nearly so; free some space. Nothing that is needed was deleted.",
  },
  disk_low: {
    retry: "backoff",
    traits: ["endsWithRoom"],
    hint: "Less than MIN_FREE_DISK is free; Lockstep clones nothing until there is more. Refreshes continue.",
  },
  permission: {
    retry: "backoff",
    hint: "DATA_DIR or something in it is not writable; check owner, mode and attributes (lsattr).",
  },
  corrupt: {
    retry: "rebuild",
    traits: ["doubtsMirror", "passesOnceCleared"],
    hint: "The mirror is corrupt; Lockstep clones a new one and then swaps it in.",
  },
  tree_unsound: {
    retry: "backoff",
    hint: "The working tree did not match its commit and was not published; the old tree stays.",
  },
  tree_refused: {
    retry: "never",
    hint: "The commit or one of its submodules contains a path that git refuses to write, such as .git; the old tree stays.",
  },
  contents_missing: {
    retry: "backoff",
    hint: "GitHub no longer has the contents of a file that the partial mirror needs, because the commit is gone. The old tree stays; push or allow another commit.",
  },
  tree_too_large: {
    retry: "never",
    traits: ["outsideTheTree"],
    hint: "The tree exceeds a budget that the message names; the old tree stays. Raise the variable that the message names, or publish only some paths.",
  },
  submodule_refused: {
    retry: "never",
    hint: "A submodule cannot be published; the old tree stays. Allow its repository in SUBMODULES_FROM, give the App access to it, or fix .gitmodules.",
  },
  submodule_missing: {
    retry: "backoff",
    traits: ["outsideTheTree"],
    hint: "GitHub does not have a submodule's commit; the old tree stays. Push the commit to the submodule's repository.",
  },
  lfs_missing: {
    retry: "backoff",
    traits: ["outsideTheTree"],
    hint: "GitHub does not serve a Git LFS file; the old tree stays. Push it with git lfs push --all, and check the account's LFS quota.",
  },
  lfs_unsound: {
    retry: "backoff",
    traits: ["outsideTheTree"],
    hint: "A Git LFS file does not match its pointer; the old tree stays.",
  },
  foreign: {
    retry: "never",
    hint: "The directory was not made by Lockstep, so Lockstep does not touch it; move it away.",
  },
  cancelled: {
    retry: "backoff",
    traits: ["postponed"],
    hint: "Lockstep was stopping; the request is kept and runs after the next start.",
  },
  put_back: {
    retry: "slot",
    traits: ["postponed"],
    hint: "The refresh took longer than 5 s while every slot for long work was taken; it runs again in one of them.",
  },
  no_git: {
    retry: "backoff",
    traits: ["concernsEveryRefresh"],
    hint: "git cannot be started; install git 2.38 or newer and add it to PATH.",
  },
  out_of_resources: {
    retry: "backoff",
    traits: ["concernsEveryRefresh", "outsideTheTree"],
    hint: "The machine gives Lockstep no further file, process or memory; raise its limits (LimitNOFILE, TasksMax, MemoryMax), or lower CONCURRENCY.",
  },
  database_damaged: {
    retry: "backoff",
    traits: ["concernsEveryRefresh", "outsideTheTree"],
    hint: "lockstep.db is damaged; stop Lockstep, and restore it from a backup, or move it away: every mirror is then compared with GitHub (docs/operations.md).",
  },
  git: {
    retry: "backoff",
    traits: ["doubtsMirror"],
    hint: "git failed for a reason Lockstep does not recognize; the log has git's message.",
  },
  internal: {
    retry: "backoff",
    hint: "An error in Lockstep itself; please report it with the log line.",
  },
} as const satisfies Record<string, Meaning>;

export type ErrorCode = keyof typeof CODES;

export const ERROR_CODES = Object.keys(CODES) as ErrorCode[];

export const meaningOf = (code: ErrorCode): Meaning => CODES[code];

/** Whether nothing but an operator or the account's owner ends the failure. @param code may be unknown, as in hasTrait */
export const waitsForPeople = (code: string): boolean =>
  ERROR_CODES.some((known) => known === code && meaningOf(known).retry === "never");

export const codesWith = (trait: Trait): ErrorCode[] =>
  ERROR_CODES.filter((code) => meaningOf(code).traits?.includes(trait));

/** @param code may come from stored data: a code that this version does not know has no traits */
export const hasTrait = (code: string, trait: Trait): boolean =>
  (codesWith(trait) as string[]).includes(code);
