/**
 * The glossary: the words of this file are the words of the code, the log, the API and the docs.
 *
 * - delivery: one webhook call by GitHub, named by its GUID.
 * - request: the durable wish for a refresh; triggers merge into one request per repository.
 * - refresh: one pass that brings a mirror in step.
 * - mirror: the bare copy of a repository, equal to GitHub ref for ref inside REFSPECS.
 * - scope: which refs of its repository a mirror has, and how many commits of each.
 * - shallow mirror: one that has only the last commits of the refs that are published.
 * - tip: the object a ref points at.
 * - full comparison: every ref of GitHub's compared with every ref of the mirror.
 * - forced: a change of a ref that leaves its old tip behind: no fast-forward, a moved tag, a deletion.
 * - kept tip: what a ref moved by force or deleted pointed at, under refs/lockstep/kept for KEEP_HISTORY.
 * - hold: a ref that stays where it is, whatever GitHub has, until someone allows the change.
 * - stale answer: GitHub said what it had said before a push that it has told us of.
 * - event: what a refresh changed, told to the world; its id grows.
 * - consumer: who is told: the hook, one URL, or a reader of the event stream.
 * - outbox: the changes about to be made and the events not yet pruned; what is in it gets announced.
 */

/** What asked for a refresh, in order of priority. */
export const TRIGGERS = ["push", "manual", "onboard", "backstop"] as const;
export type Trigger = (typeof TRIGGERS)[number];

/** "Object name of nothing": a ref that does not exist (githooks(5)). */
export const ZERO = "0".repeat(40);

/** One ref as a push delivery tells it. */
export interface PushHint {
  ref: string;
  before: string;
  after: string;
  /** `repository.pushed_at` of the delivery, in whole seconds since 1970. */
  pushedAt: number;
  /** False when it does not prove where the ref is: GitHub is asked. Default: true. */
  ordered?: boolean;
  /** Whether `after` leaves commits of `before` behind; a deletion always does. Undefined: nobody said. */
  forced?: boolean;
}

/** What is known of one ref from all deliveries that have merged into a request. */
export interface RefHint {
  ref: string;
  /** The tips it passed through, oldest first; the last one is what it should be now. */
  points: string[];
  pushedAt: number;
  /** False when the merged deliveries do not prove which of them is the newest. */
  ordered: boolean;
  /** False: no step from point to point was forced. True: some was. Undefined: of some nobody said. */
  forced?: boolean;
}

/** What a delivery, an operator or the backstop wants done for one repository. */
export interface RefreshIntent {
  trigger: Trigger;
  hints: PushHint[];
  /** True: compare every ref. */
  full: boolean;
}

/** A request as one run sees it. */
export interface RefreshRequest {
  repositoryId: number;
  trigger: Trigger;
  hints: RefHint[];
  full: boolean;
  /** 1 for the first try. */
  attempt: number;
  /** When the oldest trigger in it came in, in milliseconds since 1970. */
  armedAt: number;
  /** Newest delivery that merged into the request, for the log. */
  deliveryId: string | null;
}

/** What the queue can be asked to bring in step. `app` is every installation. */
export type Subject =
  | { kind: "repository"; id: number }
  | { kind: "installation"; id: number }
  | { kind: "app"; id: 0 };

/** A subject as one word: the key of its row in the queue. */
export const keyOf = (subject: Subject): string => `${subject.kind}:${subject.id}`;

export type RefChange = { ref: string; before: string; after: string };

export interface RepositoryName {
  owner: string;
  name: string;
}

/**
 * onboarding: managed, not cloned yet. fresh: equal to GitHub as far as anyone has told us.
 * behind: GitHub itself still serves the state before a push, or it was not compared since it came back.
 * failing: the last refresh failed. suspended: its installation is. gone: GitHub no longer lists it,
 * or REPOSITORIES does not include it; its mirror is kept for RETIRE_AFTER. retired: the mirror is deleted too.
 */
export type RepositoryState =
  | "onboarding"
  | "fresh"
  | "behind"
  | "failing"
  | "suspended"
  | "gone"
  | "retired";

/**
 * HISTORY. mirror: the old tip of a ref moved by force or deleted is lost. keep: it stays reachable for
 * KEEP_HISTORY. block: the ref is not moved until an operator allows it.
 */
export type History = "mirror" | "keep" | "block";

/** How much of what its refs lead to a mirror has. */
export interface Extent {
  /** How many commits of each ref; null: all. */
  depth: number | null;
  /** `blob:none`: of the files' contents, only what is published. git-rev-list(1), --filter; null: all */
  filter: "blob:none" | null;
}

export interface Scope extends Extent {
  /** Ref patterns, each with at most one `*`. */
  refspecs: readonly string[];
}

export type ScopeOf = (id: number) => Scope;

/** A repository as GitHub tells it. */
export interface RemoteRepository extends RepositoryName {
  id: number;
  installationId: number;
  defaultBranch: string;
  /** Whole seconds since 1970; 0 when it was never pushed to. */
  pushedAt: number;
}

/** How the result of a refresh is named in logs, API and metrics. */
export type RefreshResult = "changed" | "unchanged" | "cloned" | "superseded" | "skipped";

export interface RefreshOutcome {
  result: RefreshResult;
  changes: RefChange[];
  /** How the refs were brought: as the delivery told, asked by name, or every ref compared. */
  way: "none" | "word" | "name" | "full" | "clone";
}

/** A link to a published tree that leads to another commit now. */
export type CheckoutChange = RefChange & { path: string };

/**
 * What a consumer is told. `cloned`: the mirror was made, or made anew; any of its refs may be new.
 * `published`: a tree was published of what the mirror had before.
 */
export interface Announcement {
  id: number;
  type: "changed" | "cloned" | "published";
  /** ISO 8601, in UTC. */
  at: string;
  repository: RepositoryName & { id: number };
  trigger: Trigger;
  /** How many refs changed; `changes` has them all unless it is `truncated`. */
  changed: number;
  truncated: boolean;
  changes: RefChange[];
  checkouts: CheckoutChange[];
  /** Path of the mirror; it stays the same when the repository is renamed. */
  mirror: string;
}
