import { dropOldest } from "../base/drop-oldest.js";
import type { RefreshOutcome, Trigger } from "../base/model.js";
import type { Row, Store, Tables } from "../store/database.js";

/** The number of refreshes kept per repository. */
const KEPT = 50;
/** So many repositories' last refreshes are kept in memory, 30 of each. */
const MAX_BRIEF = 500;
/** Of so many, all that are kept, about 10 KB each. */
const MAX_WHOLE = 32;

export const REFRESH_TABLES: Tables = {
  module: "refreshes",
  steps: [
    // The rows of a repository are deleted together with the repository.
    `CREATE TABLE refreshes (
       repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
       n INTEGER NOT NULL,
       ended_at INTEGER NOT NULL,
       duration_ms INTEGER NOT NULL,
       lag_ms INTEGER NOT NULL,
       trigger TEXT NOT NULL,
       attempt INTEGER NOT NULL,
       result TEXT NOT NULL,
       reason TEXT,
       way TEXT NOT NULL,
       changed INTEGER NOT NULL,
       PRIMARY KEY (repository_id, n)
     ) WITHOUT ROWID`,
  ],
};

/** One refresh that has ended. */
export interface RefreshRecord {
  /** Milliseconds since 1970. */
  endedAt: number;
  durationMs: number;
  /** The time since the oldest trigger came in. */
  lagMs: number;
  trigger: Trigger;
  attempt: number;
  /** A RefreshResult, or the code of the failure. */
  result: string;
  /** The failure's message. */
  reason: string | null;
  way: RefreshOutcome["way"];
  /** The number of changed refs. */
  changed: number;
}

/** What a picture of a refresh needs. */
export type BriefRefresh = Pick<RefreshRecord, "endedAt" | "lagMs" | "changed"> & {
  hasFailed: boolean;
  isPush: boolean;
};

export interface RefreshLog {
  /** Joins the caller's transaction. A refresh of a deleted repository is not recorded. */
  add(id: number, refresh: RefreshRecord): void;
  /** Returns refreshes, the newest first: the same list for as long as no other one has ended and readers ask for it. */
  of(id: number): readonly RefreshRecord[];
  /** Returns the last `limit` refreshes of each repository in short, the newest first. */
  brief(ids: readonly number[], limit: number): Map<number, readonly BriefRefresh[]>;
}

export function createRefreshLog(store: Store): RefreshLog {
  const add = store.prepare(
    `INSERT INTO refreshes SELECT id,
       (SELECT coalesce(max(n), 0) + 1 FROM refreshes WHERE repository_id = repositories.id),
       ?, ?, ?, ?, ?, ?, ?, ?, ? FROM repositories WHERE id = ?`,
  );
  const cut = store.prepare(
    `DELETE FROM refreshes WHERE repository_id = ?1
     AND n <= (SELECT max(n) FROM refreshes WHERE repository_id = ?1) - ${KEPT}`,
  );
  const list = store.prepare("SELECT * FROM refreshes WHERE repository_id = ? ORDER BY n DESC LIMIT ?");
  // One text is read much faster than thirty rows, and a page shows fifty repositories.
  const brief = store.prepare(
    `SELECT group_concat(ended_at || ',' || lag_ms || ',' || changed || ',' || (reason IS NOT NULL) || ',' || (trigger = 'push'), ' ') AS text
     FROM (SELECT * FROM refreshes WHERE repository_id = ? ORDER BY n DESC LIMIT ?)`,
  );
  const last = store.prepare(
    `SELECT value AS id, (SELECT n || ' ' || ended_at FROM refreshes WHERE repository_id = value
     ORDER BY n DESC LIMIT 1) AS is_last FROM json_each(?)`,
  );
  /** Of a repository, with how many there were asked for. What open pages show again and again is read once. */
  const briefOf = keepUntilNext(MAX_BRIEF, (id, limit) =>
    readBrief(String(brief.get(id, limit)?.text ?? "")),
  );
  const wholeOf = keepUntilNext(MAX_WHOLE, (id, limit) => list.all(id, limit).map(read));
  const lastOf = (ids: readonly number[]) =>
    last.all(JSON.stringify(ids)).map(({ id, is_last }) => [Number(id), is_last] as const);

  return {
    brief: (ids, limit) => new Map(lastOf(ids).map(([id, isLast]) => [id, briefOf(id, limit, isLast)])),
    add(id, { endedAt, durationMs, lagMs, trigger, attempt, result, reason, way, changed }) {
      add.run(endedAt, durationMs, lagMs, trigger, attempt, result, reason, way, changed, id);
      cut.run(id);
    },
    of: (id) => wholeOf(id, KEPT, lastOf([id])[0]?.[1]),
  };
}

/** Keeps what was read of each repository until another refresh has ended. @param most of so many repositories */
function keepUntilNext<Refresh>(most: number, read: (id: number, limit: number) => readonly Refresh[]) {
  const kept = new Map<number, { isLast: unknown; limit: number; found: readonly Refresh[] }>();
  return (id: number, limit: number, isLast: unknown): readonly Refresh[] => {
    const known = kept.get(id);
    if (known && known.isLast === isLast && known.limit === limit) return known.found;
    const found = read(id, limit);
    kept.delete(id);
    kept.set(id, { isLast, limit, found });
    dropOldest(kept, most);
    return found;
  };
}

const read = (row: Row): RefreshRecord => ({
  endedAt: Number(row.ended_at),
  durationMs: Number(row.duration_ms),
  lagMs: Number(row.lag_ms),
  trigger: row.trigger as Trigger,
  attempt: Number(row.attempt),
  result: String(row.result),
  reason: row.reason as string | null,
  way: row.way as RefreshOutcome["way"],
  changed: Number(row.changed),
});

const readBrief = (text: string): BriefRefresh[] =>
  text === ""
    ? []
    : text.split(" ").map((one) => {
        const [endedAt, lagMs, changed, hasFailed, isPush] = one.split(",").map(Number);
        return {
          endedAt: endedAt!,
          lagMs: lagMs!,
          changed: changed!,
          hasFailed: hasFailed === 1,
          isPush: isPush === 1,
        };
      });
