import type { RefreshError } from "../base/errors.js";
import type { RefreshIntent, RefreshRequest, Subject } from "../base/model.js";

/** What one run was given; only its request and key mean anything to the runner. */
export interface Snapshot {
  subject: Subject;
  generation: number;
  request: RefreshRequest;
}

/**
 * The seam between what asks for a refresh and what runs it: a durable dirty set, one row per
 * subject. At most one run per subject; triggers during a run lead to exactly one more.
 */
export interface RefreshQueue {
  /**
   * Merges an intent into the subject's row and gives it a new generation. When it returns, the
   * request is on disk. Throws when it cannot be persisted. It cuts the row's backoff short, but never
   * GitHub's own word on when to come back; the backstop does so for lists alone, not for a repository.
   * @returns the generation, which `settled` compares.
   */
  arm(
    subject: Subject,
    intent: RefreshIntent,
    about?: { installationId?: number; deliveryId?: string },
  ): number;
  /** The subject's row as it is now, its attempt counted; null when there is none or it is not due. */
  begin(subject: Subject): Snapshot | null;
  /** Takes away what the run did; what came in meanwhile stays. */
  succeed(snapshot: Snapshot): void;
  /** Keeps the row and sets when it is due again. @returns milliseconds until then, or null: not by itself. */
  fail(snapshot: Snapshot, error: RefreshError): number | null;
  /** Subjects that are due, best first: by priority, then fair across installations; up to `limit` of each trigger. */
  due(limit: number, busy: ReadonlySet<string>): { subject: Subject; trigger: RefreshRequest["trigger"] }[];
  /** Milliseconds until the next row is due; null when there is none. */
  nextDueIn(): number | null;
  has(subject: Subject): boolean;
  /** Best first; those that are running are among them. */
  list(limit: number): QueueEntry[];
  depth(): number;
  /** How long ago the oldest trigger came in, in milliseconds; 0: there is none. */
  oldestMs(): number;
}

/** A row of the queue, for who looks at it. Times are in milliseconds since 1970. */
export interface QueueEntry {
  subject: Subject;
  trigger: RefreshRequest["trigger"];
  /** Tries so far. */
  attempt: number;
  /** When the oldest trigger came in that no run has taken yet; null: a run has taken all. */
  armedAt: number | null;
  dueAt: number;
}
