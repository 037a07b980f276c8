import type { RefreshError } from "../base/errors.js";
import type { RefreshIntent, RefreshRequest, Subject } from "../base/model.js";
import type { Resource } from "../base/resources.js";
import type { WorkClass } from "./classes.js";
import type { HeldResource } from "./held-resources.js";
import type { Outage, Outages } from "./outages.js";

/** The input of one run; the runner uses only the request, the class and the key. */
export interface Snapshot {
  subject: Subject;
  class: WorkClass;
  generation: number;
  request: RefreshRequest;
}

/**
 * The queue separates the parts that ask for a refresh from the part that runs it. The queue is a durable
 * dirty set with one row per subject. At most one run per subject is active; triggers during a run lead to
 * exactly one more. The time of every call but `depth`, `waiting` and `promote` grows with the logarithm of the rows.
 */
export interface RefreshQueue {
  /**
   * Merges an intent into the subject's row and gives the row a new generation. When `arm` returns, the
   * request is on disk. Throws when the request cannot be persisted.
   * An intent ends the row's backoff early, but never the wait that GitHub itself asked for, where the next
   * run certainly needs what is held. The backstop ends a backoff for lists alone, not for a repository.
   * @returns the generation, which `settled` compares
   */
  arm(
    subject: Subject,
    intent: RefreshIntent,
    about?: { installationId?: number; deliveryId?: string },
  ): number;
  /** Returns the class of the subject's row, when the row may start now; null otherwise. */
  startableClass(subject: Subject): WorkClass | null;
  /**
   * Returns the subject that starts next in a class; null: none may. While the server that the class needs is
   * out, only probes start.
   */
  next(workClass: WorkClass): Subject | null;
  /**
   * Marks the subject's row as running. @returns null when no row exists, or the row may not start; a row that
   * turns out to be of another class, or held, is put where it belongs
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
  /** Makes a row due again, with a backoff, after the end of its run could not be stored. */
  reclaim(subject: Subject): void;
  /** Makes rows ready whose wait is over. @returns whether more are left for another call */
  promote(): boolean;
  /** Returns the milliseconds until `promote` or a probe has something to do; null: nothing is foreseen. */
  nextDueIn(): number | null;
  /** Notes that a server has answered, which ends its outage. */
  reached(resource: Resource): void;
  /** Notes that a disk has room again: rows that found none become ready. */
  roomFound(): void;
  /**
   * From now on every request starts at once, whatever is held or out: the caller makes a single pass, and
   * reads failures instead of waiting.
   */
  neverWait(): void;
  has(subject: Subject): boolean;
  /** Returns which of these repositories have a row: a refresh of theirs, or a publish of their trees. */
  repositoriesIn(ids: readonly number[]): Set<number>;
  /** Whether the subject has work to do. A row that only waits for a replica that lags for long has none. */
  isPending(subject: Subject): boolean;
  /**
   * Returns for how long a run has gone on that compares every ref, or is followed by one that does, in milliseconds;
   * null: there is none.
   */
  comparingMs(subject: Subject): number | null;
  /** Returns the pushes of a subject that GitHub has reported and no run has finished; null: there are none. */
  reported(subject: Subject): Reported | null;
  /** Ends the wait for a quiet moment, because somebody waits for the subject. @returns whether it may start now */
  endQuiet(subject: Subject): boolean;
  /** Lists rows, best first: the running ones, those that may start, then those that wait. */
  list(limit: number): QueueEntry[];
  depth(): number;
  /** Counts the rows of each class that do not run. */
  waiting(): Record<WorkClass, number>;
  /** Returns how long ago the oldest trigger came in, in milliseconds; 0: the queue is empty. */
  oldestMs(): number;
  /** Returns what GitHub asked to leave alone, and until when. */
  held(): HeldResource[];
  /** Returns the servers that are out. */
  outages(): Outage[];
  /** Reports that a server is out, or back. */
  onOutage: Outages["onChange"];
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

/** The pushes that GitHub has reported of a repository, and that no run has finished. */
export interface Reported {
  /** Where these refs should be, by the last delivery of each; ZERO: deleted. */
  tips: ReadonlyMap<string, string>;
  /** Whether pushes of refs that are not known are among them; a full comparison brings these. */
  isPartial: boolean;
  /** Whether a run has begun, perhaps before the last push was reported. */
  isRunning: boolean;
  /** When the row may start, in milliseconds from now; 0 for a row that may, or runs. */
  dueInMs: number;
}

/** A row of the queue, for operators. Times are in milliseconds since 1970. */
export interface QueueEntry {
  subject: Subject;
  class: WorkClass;
  trigger: RefreshRequest["trigger"];
  /** The number of tries so far. */
  attempt: number;
  /** When the oldest trigger came in that no run has taken yet; null: a run has taken every trigger. */
  armedAt: number | null;
  /** When the row may start; for a row that runs, when its run began. */
  dueAt: number;
  /** Why the row waits: the key of a hold, or the server that is out; null for other rows. */
  waitsFor: string | null;
}
