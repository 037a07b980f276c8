import { type RefChange, ZERO } from "../base/model.js";
import type { Row, Store, Tables } from "../store/database.js";

export const MAINTENANCE_TABLES: Tables = {
  module: "maintenance",
  steps: [
    `CREATE TABLE maintenance (
       repository_id INTEGER PRIMARY KEY,
       seen_at INTEGER NOT NULL,
       refreshes INTEGER NOT NULL DEFAULT 0,
       refs INTEGER NOT NULL DEFAULT 0,
       changed_at INTEGER,
       unreachable_at INTEGER
     );
     CREATE TABLE maintenance_runs (
       repository_id INTEGER NOT NULL,
       task TEXT NOT NULL,
       done_at INTEGER,
       failures INTEGER NOT NULL DEFAULT 0,
       retry_at INTEGER NOT NULL DEFAULT 0,
       error_code TEXT,
       PRIMARY KEY (repository_id, task)
     ) WITHOUT ROWID;
     CREATE TABLE maintenance_old_tips (
       repository_id INTEGER NOT NULL,
       sha TEXT NOT NULL,
       PRIMARY KEY (repository_id, sha)
     ) WITHOUT ROWID;`,
    "ALTER TABLE maintenance ADD COLUMN clones INTEGER NOT NULL DEFAULT 0;",
  ],
};

export const TASKS = ["tidy", "prune", "check", "bitmap"] as const;
export type Task = (typeof TASKS)[number];

export interface TaskRun {
  doneAt: number | null;
  failures: number;
  retryAt: number;
  errorCode: string | null;
}

/** The maintenance record of one mirror; times are in milliseconds. */
export interface Wear {
  /** When the mirror was first recorded. */
  seenAt: number;
  /** The number of refreshes that changed something since the last tidy, and the number of changed refs. */
  refreshes: number;
  refs: number;
  /** The time of the first of those refreshes. */
  changedAt: number | null;
  /** Since when the mirror has objects that no ref reaches. */
  unreachableAt: number | null;
  /** How many readers over HTTPS have made git pack the whole history since the last bitmap. */
  clones: number;
  runs: Record<Task, TaskRun>;
}

export interface MaintenanceLog {
  /** Creates missing records. */
  see(ids: number[]): void;
  get(id: number): Wear;
  changed(id: number, changes: RefChange[]): void;
  /** Counts one whole history that was packed for a reader. */
  cloned(id: number): void;
  /** @param begun the record when the bitmap was begun */
  bitmapWritten(id: number, begun: Wear): void;
  /** Lists tips that refs have left since the last tidy. */
  oldTips(id: number): string[];
  /** Deletes what was known when the tidy began; what a refresh added meanwhile stays. */
  tidied(id: number, begun: Wear, oldTips: string[]): void;
  /** @param since null when no unreachable object is left */
  unreachable(id: number, since: number | null): void;
  /** @param at when the task began: what it has seen is from then on, in milliseconds since 1970 */
  done(id: number, task: Task, at: number): void;
  failed(id: number, task: Task, code: string, retryAt: number): void;
}

/** With more old tips than this, none is checked singly and some object is assumed to be unreachable. */
const MAX_OLD_TIPS = 1_000;
const NEVER: TaskRun = { doneAt: null, failures: 0, retryAt: 0, errorCode: null };

export function createMaintenanceLog(store: Store, now: () => number = Date.now): MaintenanceLog {
  const sql = statements(store);

  const wearOf = (row: Row | undefined, runs: Row[]): Wear => ({
    seenAt: Number(row?.seen_at ?? now()),
    refreshes: Number(row?.refreshes ?? 0),
    refs: Number(row?.refs ?? 0),
    changedAt: nullable(row?.changed_at),
    unreachableAt: nullable(row?.unreachable_at),
    clones: Number(row?.clones ?? 0),
    runs: { tidy: NEVER, prune: NEVER, check: NEVER, bitmap: NEVER, ...Object.fromEntries(runs.map(runOf)) },
  });

  function noteOldTips(id: number, changes: RefChange[]): void {
    const left = changes.filter(({ before }) => before !== ZERO);
    if (left.length > MAX_OLD_TIPS) sql.unreachable.run(now(), id);
    else for (const { before } of left) sql.addTip.run(id, before);
  }

  return {
    see: (ids) => store.transaction(() => ids.forEach((id) => void sql.see.run(id, now()))),
    get: (id) => wearOf(sql.get.get(id), sql.runs.all(id)),
    // The end of the refresh syncs it, whose events are written next.
    changed: (id, changes) =>
      store.unsynced(() => {
        sql.changed.run(id, now(), changes.length, now());
        noteOldTips(id, changes);
      }),
    cloned: (id) => void sql.cloned.run(id, now()),
    bitmapWritten: (id, { clones }) => void sql.served.run(clones, id),
    oldTips: (id) => sql.tips.all(id).map(({ sha }) => String(sha)),
    tidied: (id, begun, oldTips) =>
      store.transaction(() => {
        sql.tidied.run(begun.refreshes, begun.refs, begun.refreshes, now(), id);
        for (const sha of oldTips) sql.dropTip.run(id, sha);
      }),
    unreachable: (id, since) => void (since === null ? sql.clean.run(id) : sql.unreachable.run(since, id)),
    done: (id, task, at) => void sql.done.run(id, task, at),
    failed: (id, task, code, retryAt) => void sql.failed.run(id, task, retryAt, code),
  };
}

const nullable = (value: unknown): number | null => (value == null ? null : Number(value));

const runOf = (row: Row): [Task, TaskRun] => [
  row.task as Task,
  {
    doneAt: nullable(row.done_at),
    failures: Number(row.failures),
    retryAt: Number(row.retry_at),
    errorCode: row.error_code as string | null,
  },
];

function statements(store: Store) {
  return {
    see: store.prepare("INSERT OR IGNORE INTO maintenance (repository_id, seen_at) VALUES (?, ?)"),
    get: store.prepare("SELECT * FROM maintenance WHERE repository_id = ?"),
    runs: store.prepare("SELECT * FROM maintenance_runs WHERE repository_id = ?"),
    changed: store.prepare(
      `INSERT INTO maintenance (repository_id, seen_at, refreshes, refs, changed_at) VALUES (?, ?, 1, ?, ?)
       ON CONFLICT DO UPDATE SET refreshes = refreshes + 1, refs = refs + excluded.refs,
       changed_at = coalesce(changed_at, excluded.changed_at)`,
    ),
    cloned: store.prepare(
      `INSERT INTO maintenance (repository_id, seen_at, clones) VALUES (?, ?, 1)
       ON CONFLICT DO UPDATE SET clones = clones + 1`,
    ),
    served: store.prepare("UPDATE maintenance SET clones = clones - ? WHERE repository_id = ?"),
    tidied: store.prepare(
      `UPDATE maintenance SET refreshes = refreshes - ?, refs = refs - ?,
       changed_at = CASE WHEN refreshes > ? THEN ? END WHERE repository_id = ?`,
    ),
    unreachable: store.prepare(
      "UPDATE maintenance SET unreachable_at = coalesce(unreachable_at, ?) WHERE repository_id = ?",
    ),
    clean: store.prepare("UPDATE maintenance SET unreachable_at = NULL WHERE repository_id = ?"),
    tips: store.prepare("SELECT sha FROM maintenance_old_tips WHERE repository_id = ?"),
    addTip: store.prepare("INSERT OR IGNORE INTO maintenance_old_tips (repository_id, sha) VALUES (?, ?)"),
    dropTip: store.prepare("DELETE FROM maintenance_old_tips WHERE repository_id = ? AND sha = ?"),
    done: store.prepare(
      "INSERT OR REPLACE INTO maintenance_runs (repository_id, task, done_at) VALUES (?, ?, ?)",
    ),
    failed: store.prepare(
      `INSERT INTO maintenance_runs (repository_id, task, failures, retry_at, error_code) VALUES (?, ?, 1, ?, ?)
       ON CONFLICT DO UPDATE SET failures = failures + 1, retry_at = excluded.retry_at,
       error_code = excluded.error_code`,
    ),
  };
}
