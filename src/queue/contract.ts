import type { RefreshError } from "../base/errors.js";
import type { RefreshIntent, RefreshRequest, Subject } from "../base/model.js";

/** The input of one run; the runner uses only the request and the key. */
export interface Snapshot {
  subject: Subject;
  generation: number;
  request: RefreshRequest;
}

/**
 * The queue separates the parts that ask for a refresh from the part that runs it. The queue is a durable
 * dirty set with one row per subject. At most one run per subject is active; triggers during a run lead to
 * exactly one more.
 */
export interface RefreshQueue {
  /**
   * Merges an intent into the subject's row and gives the row a new generation. When `arm` returns, the
   * request is on disk. Throws when the request cannot be persisted.
   * An intent ends the row's backoff early, but never the wait that GitHub itself asked for. The backstop
   * ends a backoff for lists alone, not for a repository.
   * @returns the generation, which `settled` compares
   */
  arm(
    subject: Subject,
    intent: RefreshIntent,
    about?: { installationId?: number; deliveryId?: string },
  ): number;
  /**
   * Returns the subject's current row, with its attempt counted; null when no row exists or the row is not
   * due.
   */
  begin(subject: Subject): Snapshot | null;
  /** Removes what the run did; what came in during the run stays. */
  succeed(snapshot: Snapshot): void;
  /** Removes what the run did but for what is left to be asked again; nothing has failed. */
  keep(snapshot: Snapshot, left: Left): void;
  /**
   * Keeps the row and sets when the row is due again. @returns milliseconds until then; null: the row is not
   * repeated
   */
  fail(snapshot: Snapshot, error: RefreshError): number | null;
  /**
   * Returns due subjects, best first: by priority, then fair across installations; up to `limit` of each
   * trigger.
   */
  due(limit: number, busy: ReadonlySet<string>): { subject: Subject; trigger: RefreshRequest["trigger"] }[];
  /** Returns the milliseconds until the next row is due; null when the queue is empty. */
  nextDueIn(): number | null;
  has(subject: Subject): boolean;
  /** Whether the subject has work to do. A row that only waits for a replica that lags for long has none. */
  isPending(subject: Subject): boolean;
  /** Lists rows, best first, including the running ones. */
  list(limit: number): QueueEntry[];
  depth(): number;
  /** Returns how long ago the oldest trigger came in, in milliseconds; 0: the queue is empty. */
  oldestMs(): number;
}

/** What a run could not finish because GitHub's answer may be old. */
export interface Left {
  /** The refs whose hints stay in the row. */
  refs: readonly string[];
  /** Whether every ref is compared again. */
  full: boolean;
  /** In milliseconds from now. */
  dueInMs: number;
  /** Whether replicas lag for so long that other work no longer waits for the row. */
  isBehind: boolean;
}

/** A row of the queue, for operators. Times are in milliseconds since 1970. */
export interface QueueEntry {
  subject: Subject;
  trigger: RefreshRequest["trigger"];
  /** The number of tries so far. */
  attempt: number;
  /** When the oldest trigger came in that no run has taken yet; null: a run has taken every trigger. */
  armedAt: number | null;
  dueAt: number;
}
