import { backoffMs, type Random } from "../base/backoff.js";
import { keyOf, type Subject, TRIGGERS, type Trigger } from "../base/model.js";
import type { Row, Store, Tables } from "../store/database.js";
import type { QueueEntry, RefreshQueue, Snapshot } from "./contract.js";
import { mergePushes, type QueuedHint, type QueuedPushes, type QueuedUnlisted } from "./merge.js";
import { retryDelayMs } from "./retry.js";

export const QUEUE_TABLES: Tables = {
  module: "queue",
  steps: [
    `CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
     INSERT INTO counter VALUES ('generation', 0);
     CREATE TABLE dirty (
       key TEXT PRIMARY KEY,
       kind TEXT NOT NULL,
       id INTEGER NOT NULL,
       installation_id INTEGER NOT NULL DEFAULT 0,
       generation INTEGER NOT NULL,
       priority INTEGER NOT NULL,
       hints TEXT NOT NULL DEFAULT '[]',
       full_generation INTEGER NOT NULL DEFAULT 0,
       attempt INTEGER NOT NULL DEFAULT 0,
       armed_at INTEGER NOT NULL,
       due_at INTEGER NOT NULL,
       held_until INTEGER NOT NULL DEFAULT 0,
       delivery_id TEXT
     );
     CREATE INDEX dirty_due ON dirty (due_at);`,
    `ALTER TABLE dirty ADD COLUMN unlisted TEXT;
     ALTER TABLE dirty ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;`,
  ],
};

/** Lists have the priority of an operator's requests. */
const LISTS = TRIGGERS.indexOf("manual");

interface Options {
  store: Store;
  quietPeriodMs: number;
  now?: () => number;
  random?: Random;
}

/**
 * The queue of one machine is a dirty set in SQLite. A crash loses nothing: after a restart a row is due at
 * its stored time.
 */
export function createEmbeddedQueue({ store, quietPeriodMs, now = Date.now, random }: Options): RefreshQueue {
  const sql = statements(store);

  const arm: RefreshQueue["arm"] = (subject, intent, about = {}) =>
    store.transaction(() => {
      const generation = Number(sql.next.get()?.value);
      const key = keyOf(subject);
      const row = sql.get.get(key);
      const at = now();
      const pushes = intent.hints.map((hint) => ({ ...hint, receivedAt: hint.receivedAt ?? at }));
      const { hints, unlisted } = mergePushes(pushesOf(row), pushes, generation);
      const full = intent.full || unlisted !== null;
      // Lists are short calls that much other work waits for, so lists do not queue behind clones.
      const priority = subject.kind === "repository" ? TRIGGERS.indexOf(intent.trigger) : LISTS;
      // 0: a run has taken the row as it was; this is the first trigger after that run.
      const armedAt = Number(row?.armed_at ?? 0) || at;
      sql.put.run(
        key,
        subject.kind,
        subject.id,
        about.installationId ?? Number(row?.installation_id ?? 0),
        generation,
        row ? Math.min(priority, Number(row.priority)) : priority,
        JSON.stringify(hints),
        full ? generation : Number(row?.full_generation ?? 0),
        Number(row?.attempt ?? 0),
        armedAt,
        dueAt(row, subject, intent.trigger, at, armedAt),
        Number(row?.held_until ?? 0),
        about.deliveryId ?? (row?.delivery_id as string | null) ?? null,
        unlisted && JSON.stringify(unlisted),
      );
      return generation;
    });

  /** A fresh push or an operator ends a backoff early, but never GitHub's own Retry-After. */
  function dueAt(
    row: Row | undefined,
    { kind }: Subject,
    trigger: Trigger,
    at: number,
    armedAt: number,
  ): number {
    const heldUntil = Number(row?.held_until ?? 0);
    if (trigger === "push") {
      const quietUntil = Math.min(at + quietPeriodMs, armedAt + 10 * quietPeriodMs);
      return Math.max(quietUntil, heldUntil, quietPeriodMs === 0 ? at : 0);
    }
    // Onboarding ends a backoff too: after a restart the first call to GitHub waits for no earlier backoff. A
    // backstop ends the backoff of lists, since INTERVAL says how often GitHub is asked for lists. A failing
    // repository keeps its backoff.
    if (trigger !== "backstop" || kind !== "repository" || !row) return Math.max(at, heldUntil);
    return Number(row.due_at);
  }

  const begin: RefreshQueue["begin"] = (subject) =>
    store.transaction(() => {
      const row = sql.get.get(keyOf(subject));
      const at = now();
      if (!row || Number(row.due_at) > at) return null;
      const attempt = Number(row.attempt) + 1;
      // The attempt is counted before the run: a repository that crashes the process backs off too.
      sql.started.run(attempt, at + backoffMs(attempt, random), row.key);
      return snapshotOf(subject, row, attempt, Number(row.armed_at) || at);
    });

  const succeed: RefreshQueue["succeed"] = (snapshot) =>
    store.transaction(() => {
      const key = keyOf(snapshot.subject);
      if (sql.remove.run(key, snapshot.generation).changes > 0) return;
      const row = sql.get.get(key);
      if (!row) return;
      const { hints, unlisted } = pushesOf(row);
      const isNew = ({ generation }: { generation: number }) => generation > snapshot.generation;
      const full = Number(row.full_generation) > snapshot.generation ? Number(row.full_generation) : 0;
      const newUnlisted = unlisted && isNew(unlisted) ? JSON.stringify(unlisted) : null;
      sql.subtract.run(JSON.stringify(hints.filter(isNew)), full, newUnlisted, key);
    });

  const keep: RefreshQueue["keep"] = (snapshot, left) =>
    store.transaction(() => {
      const row = sql.get.get(keyOf(snapshot.subject));
      if (!row) return;
      const at = now();
      const cameIn = Number(row.generation) > snapshot.generation;
      const isLeft = ({ ref, generation }: QueuedHint) =>
        generation > snapshot.generation || left.refs.includes(ref);
      // A receipt that lies ahead is from before the clock was set back; the patience counts from now.
      const hints = pushesOf(row)
        .hints.filter(isLeft)
        .map((hint) => ({ ...hint, receivedAt: Math.min(hint.receivedAt, at) }));
      const fullBefore = Number(row.full_generation) > snapshot.generation || left.full;
      const due = cameIn ? Math.min(Number(row.due_at), at + left.dueInMs) : at + left.dueInMs;
      sql.kept.run(
        JSON.stringify(hints),
        fullBefore ? Number(row.generation) : 0,
        due,
        Number(row.armed_at) || snapshot.request.armedAt,
        left.isBehind && !cameIn ? 1 : 0,
        row.key,
      );
    });

  const fail: RefreshQueue["fail"] = (snapshot, error) =>
    store.transaction(() => {
      const row = sql.get.get(keyOf(snapshot.subject));
      if (!row) return null;
      // The repository's state says what is wrong, and the backstop checks every repository that is not
      // fresh.
      if (error.retry.kind === "never") {
        sql.remove.run(row.key, snapshot.generation);
        return null;
      }
      const retry = retryDelayMs(error, snapshot.request.attempt, random);
      const cameIn = Number(row.generation) > snapshot.generation && error.retry.kind !== "after";
      const due = cameIn ? Math.min(Number(row.due_at), now() + retry.ms) : now() + retry.ms;
      const heldUntil = error.retry.kind === "after" ? due : 0;
      const full = retry.full ? Number(row.generation) : Number(row.full_generation);
      sql.failed.run(due, heldUntil, full, snapshot.request.armedAt, row.key);
      return Math.max(0, due - now());
    });

  const due: RefreshQueue["due"] = (limit, busy) =>
    sql.due
      .all(now(), limit + busy.size)
      .filter((row) => !busy.has(String(row.key)))
      .map((row) => ({ subject: subjectOf(row), trigger: triggerOf(row) }));

  return {
    arm,
    begin,
    succeed,
    keep,
    fail,
    due,
    nextDueIn() {
      const next = sql.next_due.get()?.due_at;
      return next === null || next === undefined ? null : Math.max(0, Number(next) - now());
    },
    has: (subject) => sql.get.get(keyOf(subject)) !== undefined,
    isPending: (subject) => sql.get.get(keyOf(subject))?.behind === 0,
    oldestMs() {
      const at = sql.oldest.get()?.at;
      return at === null || at === undefined ? 0 : Math.max(0, now() - Number(at));
    },
    depth: () => Number(sql.depth.get()?.n),
    list: (limit) => sql.list.all(limit).map(entryOf),
  };
}

function pushesOf(row: Row | undefined): QueuedPushes {
  if (!row) return { hints: [], unlisted: null };
  const hints = JSON.parse(String(row.hints)) as QueuedHint[];
  // Rows of an earlier Lockstep have no time of receipt: that of the row's oldest trigger stands for it.
  const receivedAt = Number(row.armed_at);
  const unlisted = row.unlisted === null ? null : (JSON.parse(String(row.unlisted)) as QueuedUnlisted);
  return { hints: hints.map((hint) => ({ ...hint, receivedAt: hint.receivedAt ?? receivedAt })), unlisted };
}

const triggerOf = (row: Row): Trigger => TRIGGERS[Number(row.priority)] ?? "backstop";

const subjectOf = (row: Row) => ({ kind: row.kind, id: Number(row.id) }) as Subject;

const entryOf = (row: Row): QueueEntry => ({
  subject: subjectOf(row),
  trigger: triggerOf(row),
  attempt: Number(row.attempt),
  armedAt: Number(row.armed_at) || null,
  dueAt: Number(row.due_at),
});

function snapshotOf(subject: Subject, row: Row, attempt: number, armedAt: number): Snapshot {
  return {
    subject,
    generation: Number(row.generation),
    request: {
      repositoryId: subject.id,
      trigger: triggerOf(row),
      hints: pushesOf(row).hints.map(({ generation: _, ...hint }) => hint),
      unlisted: pushesOf(row).unlisted,
      full: Number(row.full_generation) > 0,
      attempt,
      armedAt,
      deliveryId: row.delivery_id as string | null,
    },
  };
}

function statements(store: Store) {
  return {
    next: store.prepare("UPDATE counter SET value = value + 1 WHERE name = 'generation' RETURNING value"),
    get: store.prepare("SELECT * FROM dirty WHERE key = ?"),
    put: store.prepare(
      `INSERT OR REPLACE INTO dirty (key, kind, id, installation_id, generation, priority, hints,
       full_generation, attempt, armed_at, due_at, held_until, delivery_id, unlisted)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    started: store.prepare("UPDATE dirty SET attempt = ?, due_at = ?, armed_at = 0 WHERE key = ?"),
    remove: store.prepare("DELETE FROM dirty WHERE key = ? AND generation = ?"),
    subtract: store.prepare(
      "UPDATE dirty SET hints = ?, full_generation = ?, attempt = 0, unlisted = ? WHERE key = ?",
    ),
    kept: store.prepare(
      `UPDATE dirty SET hints = ?, full_generation = ?, due_at = ?, armed_at = ?, behind = ?, attempt = 0
       WHERE key = ?`,
    ),
    failed: store.prepare(
      "UPDATE dirty SET due_at = ?, held_until = ?, full_generation = ?, armed_at = ? WHERE key = ?",
    ),
    // The order is round robin over installations inside a priority: the first of each, then the second of
    // each.
    due: store.prepare(
      `SELECT key, kind, id, priority FROM (
         SELECT *, row_number() OVER (PARTITION BY priority ORDER BY turn, armed_at) AS place FROM (
           SELECT key, kind, id, priority, armed_at, row_number() OVER (
             PARTITION BY priority, installation_id ORDER BY armed_at) AS turn
           FROM dirty WHERE due_at <= ?))
       WHERE place <= ? ORDER BY priority, place`,
    ),
    next_due: store.prepare("SELECT min(due_at) AS due_at FROM dirty"),
    oldest: store.prepare("SELECT min(armed_at) AS at FROM dirty WHERE armed_at > 0"),
    list: store.prepare("SELECT * FROM dirty ORDER BY priority, due_at, key LIMIT ?"),
    depth: store.prepare("SELECT count(*) AS n FROM dirty"),
  };
}
