import { waitUntil } from "../base/clock.js";
import type { Row, Store, Tables } from "../store/database.js";

export const BACKLOG_TABLES: Tables = {
  module: "backlog",
  steps: [
    `CREATE TABLE backlog (
       consumer TEXT NOT NULL,
       repository_id INTEGER NOT NULL,
       event_id INTEGER NOT NULL,
       part INTEGER NOT NULL DEFAULT 0,
       attempt INTEGER NOT NULL DEFAULT 0,
       due_at INTEGER NOT NULL DEFAULT 0,
       error TEXT,
       error_at INTEGER,
       PRIMARY KEY (consumer, repository_id)
     ) WITHOUT ROWID;
     CREATE INDEX backlog_due ON backlog (consumer, due_at);
     CREATE TABLE dropped (consumer TEXT PRIMARY KEY, events INTEGER NOT NULL) WITHOUT ROWID;`,
  ],
};

/** The place of a consumer in a repository whose events it has not all accepted. */
export interface Position {
  repositoryId: number;
  /** The id of the event that the consumer gets next. */
  eventId: number;
  /** The number of parts of that event that the consumer has accepted. */
  part: number;
  /** The number of failed attempts to deliver the part. */
  attempt: number;
}

/** What is known without counting rows; a monitor may ask often. */
export interface Delay {
  /** The number of repositories with events that the consumer has not accepted. */
  repositories: number;
  /** The time of the oldest unaccepted event, in milliseconds since 1970; null when there is none. */
  oldestAt: number | null;
}

export interface Lag extends Delay {
  pending: number;
  lastError: { message: string; at: number } | null;
  /** The number of events that grew too old before the consumer accepted them. */
  dropped: number;
}

/**
 * What each consumer has not accepted yet. A repository has one row for each consumer, and none once all is
 * accepted.
 */
export interface Backlog {
  /** Deletes the backlog of every consumer that is not listed. */
  keepOnly(consumers: string[]): void;
  /** Records that a repository has events from this id on. */
  add(consumer: string, repositoryId: number, eventId: number): void;
  /** Lists repositories that are due; the longest overdue comes first. */
  due(consumer: string, limit: number, busy: ReadonlySet<number>): number[];
  /** Returns in how many milliseconds the next repository that is not busy is due; null when there is none. */
  nextDueIn(consumer: string, busy: ReadonlySet<number>): number | null;
  position(consumer: string, repositoryId: number): Position | null;
  /** Records that the consumer accepted one part of the event. */
  markPartAccepted(consumer: string, at: Position): void;
  /** Records that the consumer accepted the whole event, and moves on to the next event. */
  markAccepted(consumer: string, at: Position): void;
  failed(consumer: string, at: Position, dueAt: number, error: string): void;
  /** Has the event wait for a time, in milliseconds since 1970, without an attempt. */
  postpone(consumer: string, at: Position, dueAt: number): void;
  delay(consumer: string): Delay;
  lag(consumer: string): Lag;
  /**
   * Skips events made before `before`, in at most `limit` repositories.
   * @returns the number of repositories, and of their skipped events
   */
  dropSome(consumer: string, before: number, limit: number): { repositories: number; events: number };
}

/** No consumer is waited for longer: Retry-After counts for at most an hour. */
const LONGEST_WAIT_MS = 3_600_000;

export function createBacklog(store: Store, now: () => number): Backlog {
  const sql = statements(store);

  return {
    delay: (consumer) => readDelay(sql, consumer),
    keepOnly(consumers) {
      const names = JSON.stringify(consumers);
      sql.keepOnly.run(names);
      sql.keepCounts.run(names);
    },
    add: (consumer, repositoryId, eventId) => void sql.add.run(consumer, repositoryId, eventId),
    due: (consumer, limit, busy) =>
      sql.due
        .all(consumer, now(), now() + LONGEST_WAIT_MS, limit + busy.size)
        .map((row) => Number(row.repository_id))
        .filter((id) => !busy.has(id))
        .slice(0, limit),
    nextDueIn(consumer, busy) {
      const row = sql.next.all(consumer, busy.size + 1).find((it) => !busy.has(Number(it.repository_id)));
      return row ? waitUntil(Number(row.due_at), now(), LONGEST_WAIT_MS) : null;
    },
    position(consumer, repositoryId) {
      const row = sql.position.get(consumer, repositoryId);
      return row ? read(row) : null;
    },
    markPartAccepted: (consumer, { repositoryId, eventId, part }) =>
      void sql.markPartAccepted.run(part + 1, consumer, repositoryId, eventId),
    markAccepted: (consumer, { repositoryId, eventId }) =>
      store.transaction(() => advance(sql, consumer, repositoryId, eventId)),
    failed: (consumer, { repositoryId, eventId, attempt }, dueAt, error) =>
      void sql.failed.run(attempt + 1, dueAt, error, now(), consumer, repositoryId, eventId),
    postpone: (consumer, { repositoryId, eventId }, dueAt) =>
      void sql.postpone.run(dueAt, consumer, repositoryId, eventId),
    lag(consumer) {
      const failed = sql.lastError.get(consumer);
      return {
        ...readDelay(sql, consumer),
        pending: Number(sql.pending.get(consumer)?.pending),
        lastError: failed ? { message: String(failed.error), at: Number(failed.error_at) } : null,
        dropped: Number(sql.dropped.get(consumer)?.events ?? 0),
      };
    },
    dropSome: (consumer, before, limit) => store.transaction(() => dropOld(sql, consumer, before, limit)),
  };
}

type Statements = ReturnType<typeof statements>;

/**
 * Moves to the next event of the repository, or deletes the row when the consumer has accepted all events.
 */
function advance(sql: Statements, consumer: string, repositoryId: number, accepted: number): void {
  const next = sql.nextEvent.get(repositoryId, accepted)?.id;
  if (next === undefined) sql.remove.run(consumer, repositoryId);
  else sql.advance.run(next, consumer, repositoryId);
}

function readDelay(sql: Statements, consumer: string): Delay {
  const { repositories, oldest } = sql.delay.get(consumer)!;
  return { repositories: Number(repositories), oldestAt: oldest === null ? null : Number(oldest) };
}

function dropOld(sql: Statements, consumer: string, before: number, limit: number) {
  const old = sql.old.all(consumer, before, limit);
  let events = 0;
  for (const { repository_id: id, event_id: from } of old) {
    const row = sql.oldEvents.get(id, from, before)!;
    events += Number(row.events);
    advance(sql, consumer, Number(id), Number(row.last));
  }
  if (events > 0) sql.drop.run(consumer, events);
  return { repositories: old.length, events };
}

const read = (row: Row): Position => ({
  repositoryId: Number(row.repository_id),
  eventId: Number(row.event_id),
  part: Number(row.part),
  attempt: Number(row.attempt),
});

function statements(store: Store) {
  // The update changes no row when the event was dropped meanwhile.
  const one = "consumer = ? AND repository_id = ?";
  return {
    keepOnly: store.prepare("DELETE FROM backlog WHERE consumer NOT IN (SELECT value FROM json_each(?))"),
    keepCounts: store.prepare("DELETE FROM dropped WHERE consumer NOT IN (SELECT value FROM json_each(?))"),
    add: store.prepare(
      "INSERT INTO backlog (consumer, repository_id, event_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    due: store.prepare(
      "SELECT repository_id FROM backlog WHERE consumer = ? AND (due_at <= ? OR due_at > ?) ORDER BY due_at, event_id LIMIT ?",
    ),
    next: store.prepare(
      "SELECT repository_id, due_at FROM backlog WHERE consumer = ? ORDER BY due_at LIMIT ?",
    ),
    position: store.prepare(`SELECT * FROM backlog WHERE ${one}`),
    nextEvent: store.prepare("SELECT id FROM events WHERE repository_id = ? AND id > ? ORDER BY id LIMIT 1"),
    remove: store.prepare(`DELETE FROM backlog WHERE ${one}`),
    advance: store.prepare(
      `UPDATE backlog SET event_id = ?, part = 0, attempt = 0, due_at = 0, error = NULL, error_at = NULL WHERE ${one}`,
    ),
    markPartAccepted: store.prepare(
      `UPDATE backlog SET part = ?, attempt = 0, error = NULL, error_at = NULL WHERE ${one} AND event_id = ?`,
    ),
    failed: store.prepare(
      `UPDATE backlog SET attempt = ?, due_at = ?, error = ?, error_at = ? WHERE ${one} AND event_id = ?`,
    ),
    postpone: store.prepare(`UPDATE backlog SET due_at = ? WHERE ${one} AND event_id = ?`),
    delay: store.prepare(
      `SELECT count(*) AS repositories, min(e.at) AS oldest FROM backlog b
       JOIN events e ON e.id = b.event_id WHERE b.consumer = ?`,
    ),
    pending: store.prepare(
      `SELECT count(*) AS pending FROM backlog b
       JOIN events e ON e.repository_id = b.repository_id AND e.id >= b.event_id WHERE b.consumer = ?`,
    ),
    lastError: store.prepare(
      "SELECT error, error_at FROM backlog WHERE consumer = ? AND error IS NOT NULL ORDER BY error_at DESC LIMIT 1",
    ),
    dropped: store.prepare("SELECT events FROM dropped WHERE consumer = ?"),
    old: store.prepare(
      `SELECT b.repository_id, b.event_id FROM backlog b JOIN events e ON e.id = b.event_id
       WHERE b.consumer = ? AND e.at < ? LIMIT ?`,
    ),
    oldEvents: store.prepare(
      "SELECT max(id) AS last, count(*) AS events FROM events WHERE repository_id = ? AND id >= ? AND at < ?",
    ),
    drop: store.prepare(
      "INSERT INTO dropped (consumer, events) VALUES (?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events",
    ),
  };
}
