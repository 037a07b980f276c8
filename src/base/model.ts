/**
 * The glossary: the words of this file are the words of the code, the log, the API and the docs.
 * - delivery: one webhook call by GitHub, named by its GUID.
 * - request: the durable wish for a refresh; triggers merge into one request per repository.
 * - refresh: one pass that brings a mirror in step.
 * - mirror: the bare copy of a repository, equal to GitHub ref for ref inside REFSPECS.
 * - scope: which refs of its repository a mirror has, and how many commits of each.
 * - shallow mirror: a mirror that has only the last commits of the refs that are published.
 * - tip: the object a ref points at.
 * - name of a ref: bytes; as text, a byte that is not part of UTF-8 is written as git quotes it, such as `\351`.
 * - full comparison: every ref of GitHub's compared with every ref of the mirror.
 * - forced: a change of a ref that leaves its old tip behind: not a fast-forward, a moved tag, a deletion.
 * - kept tip: the old tip of a ref that was forced or deleted, under refs/lockstep/kept for KEEP_HISTORY.
 * - hold: a ref that stays where it is, whatever GitHub has, until a person allows the change.
 * - stale answer: an answer of GitHub's from before a push that GitHub has already reported.
 * - missed push: a push whose delivery never arrived; the backstop finds it.
 * - event: what a refresh changed, as announced to consumers; its id grows.
 * - consumer: what receives events: the hook, one URL, or a reader of the event stream.
 * - outbox: the changes about to be made and the events not yet pruned; what is in it gets announced.
 */

/** The triggers of a refresh, in order of priority. */
export const TRIGGERS = ["push", "manual", "onboard", "backstop"] as const;
export type Trigger = (typeof TRIGGERS)[number];

/** The "object name of nothing" stands for a ref that does not exist (githooks(5)). */
export const ZERO = "0".repeat(40);

/** One ref as a push delivery reports it. */
export interface PushHint {
  ref: string;
  before: string;
  after: string;
  /** `repository.pushed_at` of the delivery, in whole seconds since 1970. */
  pushedAt: number;
  /** False when the delivery does not prove where the ref is, so GitHub is asked. Default: true. */
  ordered?: boolean;
  /**
   * Whether `after` leaves commits of `before` behind; a deletion always does. Undefined: the delivery does
   * not say.
   */
  forced?: boolean;
  /** When the delivery was first received, in milliseconds since 1970. Default: now. */
  receivedAt?: number;
}

/** What is known of one ref from all deliveries that have merged into a request. */
export interface RefHint {
  ref: string;
  /** The tips that the ref passed through, oldest first; the last one is what the ref should be now. */
  points: string[];
  pushedAt: number;
  /** False when the merged deliveries do not prove which of them is the newest. */
  ordered: boolean;
  /**
   * When the delivery that reported the last point was first received, in milliseconds since 1970. The patience
   * with old answers counts from then.
   */
  receivedAt: number;
  /** Where deliveries of no proven order have left the ref, besides the last point. */
  rivals?: string[];
  /** True: another delivery has come in since, of which only the repository is known; it may be of this ref. */
  contested?: boolean;
  /**
   * False: no step from point to point was forced. True: some step was. Undefined: for some step no delivery
   * says.
   */
  forced?: boolean;
}

/** What a delivery, an operator or the backstop asks to have done for one repository. */
export interface RefreshIntent {
  trigger: Trigger;
  hints: PushHint[];
  /** True: the refresh compares every ref. */
  full: boolean;
}

/** A request as one run sees it. */
export interface RefreshRequest {
  repositoryId: number;
  trigger: Trigger;
  hints: RefHint[];
  full: boolean;
  /** The first try is 1. */
  attempt: number;
  /** When the request's oldest trigger came in, in milliseconds since 1970. */
  armedAt: number;
  /** The newest delivery that merged into the request, for the log. */
  deliveryId: string | null;
  /** The newest of the pushes whose refs were too many to keep; null: every ref is in `hints`. */
  unlisted: UnlistedPushes | null;
}

/** Pushes of more refs than a request keeps. They lead to a full comparison now, and once answers are no longer old. */
export interface UnlistedPushes {
  /** In whole seconds since 1970, as in PushHint. */
  pushedAt: number;
  /** When the newest was first received, in milliseconds since 1970. */
  receivedAt: number;
}

/** A ref that GitHub still shows as it was before a push that GitHub itself has reported. */
export interface OpenRef {
  ref: string;
  /**
   * - waiting: replicas may be this far behind, so the answer proves nothing yet.
   * - behind: replicas should have the push by now; Lockstep goes on asking for a day.
   */
  stage: "waiting" | "behind";
  /** When to ask again, in milliseconds from now. */
  askInMs: number;
}

/** What the queue can bring in step. `app` is every installation. */
export type Subject =
  | { kind: "repository"; id: number }
  | { kind: "installation"; id: number }
  | { kind: "app"; id: 0 }
  /** The published trees of the repository with this id. */
  | { kind: "publish"; id: number };

/** Writes a subject as one word, which is the key of its row in the queue. */
export const keyOf = (subject: Subject): string => `${subject.kind}:${subject.id}`;

/** Reads what `keyOf` wrote; null: the text is not a key. */
export function subjectOfKey(key: string | null): Subject | null {
  const [kind, id] = key?.split(":") ?? [];
  return kind && id ? ({ kind, id: Number(id) } as Subject) : null;
}

/** A ref of GitHub's that git, or the disk, refuses to write. The mirror is in step but for such refs. */
export interface RefusedRef {
  ref: string;
  reason: string;
}

export type RefChange = { ref: string; before: string; after: string };

export interface RepositoryName {
  owner: string;
  name: string;
}

/**
 * - onboarding: managed, not cloned yet.
 * - fresh: equal to GitHub as far as any delivery or answer has reported.
 * - behind: GitHub itself still serves the state before a push, or the repository was not compared since it
 *   came back or since the machine was restarted.
 * - incomplete: in step, but for refs that git or the disk refuses to write; the last error names them.
 * - failing: the last refresh failed.
 * - suspended: the repository's installation is suspended.
 * - gone: GitHub no longer lists the repository, or REPOSITORIES does not include it; the mirror is kept for
 *   RETIRE_AFTER.
 * - retired: the mirror is deleted too.
 */
export type RepositoryState =
  | "onboarding"
  | "fresh"
  | "behind"
  | "incomplete"
  | "failing"
  | "suspended"
  | "gone"
  | "retired";

/**
 * The values of HISTORY.
 * - mirror: the old tip of a ref that is forced or deleted is lost.
 * - keep: the old tip stays reachable for KEEP_HISTORY.
 * - block: the ref is not moved until an operator allows the change.
 */
export type History = "mirror" | "keep" | "block";

/** How much of the history and contents below its refs a mirror has. */
export interface Extent {
  /** How many commits of each ref the mirror has; null: all. */
  depth: number | null;
  /**
   * `blob:none`: the mirror has the contents of published files only (git-rev-list(1), --filter); null: all.
   */
  filter: "blob:none" | null;
}

export interface Scope extends Extent {
  /** Each ref pattern has at most one `*`. */
  refspecs: readonly string[];
}

export type ScopeOf = (id: number) => Scope;

/** Who may see a repository at GitHub; `internal`: every member of the enterprise. */
export type Visibility = "public" | "private" | "internal";

/** The name of a refresh's result in logs, API and metrics. */
export type RefreshResult = "changed" | "unchanged" | "cloned" | "superseded" | "skipped";

export interface RefreshOutcome {
  result: RefreshResult;
  changes: RefChange[];
  refused: RefusedRef[];
  /** How the refs were brought: by the delivery's word, asked by name, or every ref compared. */
  way: "none" | "word" | "name" | "full" | "clone";
  /** The refs whose reported push GitHub does not show yet; every other hint of the request is satisfied. */
  open: OpenRef[];
  /** When every ref is compared once more, in milliseconds from now; null: that is not needed. */
  compareInMs: number | null;
}

/** A link to a published tree that now leads to another commit. */
export type CheckoutChange = RefChange & { path: string };

/** What was done to a mirror or a published tree. */
export type WorkEventType = "changed" | "cloned" | "published" | "refused";

/** What became of a repository, or of what Lockstep may do with it. */
export type LifeEventType =
  | "renamed"
  | "transferred"
  | "default_branch_changed"
  | "visibility_changed"
  | "archived"
  | "unarchived"
  | "suspended"
  | "gone"
  | "returned"
  | "retired"
  | "held"
  | "allowed"
  | "released";

/** The facts about a repository that events of its life report. */
export interface Attributes extends RepositoryName {
  defaultBranch: string;
  /** null: not known yet. */
  visibility: Visibility | null;
  /** null: not known yet. */
  archived: boolean | null;
}

/**
 * The content of one event.
 * - `cloned`: the mirror was made or rebuilt; any of its refs may be new.
 * - `published`: a link now leads to the tree of another commit, which an earlier event has brought.
 * - `refused`: a commit that the mirror has was not published; the earlier tree stays.
 * - `held`: a ref stays where it is, whatever GitHub has; `allowed`: an operator lets it follow; `released`: it follows.
 * - `gone`: Lockstep keeps the repository in step no more; `retired`: its mirror is deleted.
 */
export interface Announcement {
  /** The version of the schema: docs/events.schema.json. */
  version: 1;
  id: number;
  type: WorkEventType | LifeEventType;
  /** ISO 8601, in UTC. */
  at: string;
  /** The name is the one after the event. */
  repository: RepositoryName & { id: number };
  /** What asked for the refresh; null: the event is about the repository's life. */
  trigger: Trigger | null;
  /** The number of changed refs; `changes` has all of them unless it is `truncated`. */
  changed: number;
  truncated: boolean;
  changes: RefChange[];
  /** The refs of `changes` that trees are published from: an event follows when that has ended. */
  publishing: string[];
  checkouts: CheckoutChange[];
  /** The links that stay where they are, with the published commit and the one that was refused. */
  refused: CheckoutChange[];
  /** The repository's facts before and after the event; null: the event changed none of them. */
  attributes: { before: Attributes; after: Attributes } | null;
  /** The refs that are held, allowed or released, with the mirror's tip before and GitHub's after. */
  holds: RefChange[];
  /** Why a repository is gone; null: the event is another one. */
  reason: GoneReason | null;
  /** The mirror's path stays the same when the repository is renamed. */
  mirror: string;
}

/** `excluded`: REPOSITORIES no longer includes the repository, or other nodes own it. */
export type GoneReason = "not_listed" | "excluded";
