import type { Row, Store, Tables } from "../../store/database.js";

export const SHARED_TABLES: Tables = {
  module: "shared",
  steps: [
    `CREATE TABLE shared (
       kind TEXT NOT NULL,
       key TEXT NOT NULL,
       at INTEGER NOT NULL,
       value TEXT,
       seq INTEGER NOT NULL UNIQUE,
       PRIMARY KEY (kind, key)
     ) WITHOUT ROWID;
     CREATE TABLE shared_numbers (id INTEGER PRIMARY KEY AUTOINCREMENT);
     CREATE TABLE shared_from (node TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;`,
  ],
};

/** Something that all nodes are to know: of two that differ the latest wins. */
export interface Change {
  kind: string;
  key: string;
  /** When somebody did it, in milliseconds since 1970. */
  at: number;
  /** JSON; null: it was deleted. */
  value: string | null;
}

/** A part of what a node has, in the order in which the node learned of it. */
export interface ChangePage {
  changes: Change[];
  /** The number of the last one; the next part begins after it. */
  last: number;
}

export interface Changes {
  /** Notes what was done here. Whatever is known of it is older from now on. */
  put(kind: string, key: string, value: unknown): void;
  /** Returns what is known; null: nothing, or it was deleted. */
  get(kind: string, key: string): Change | null;
  /** Takes in what another node knows. @returns what was new here */
  take(changes: readonly Change[]): Change[];
  since(seq: number, limit: number): ChangePage;
  /** The number of the newest change. */
  newest(): number;
  /** Up to which number the changes of another DATA_DIR are here. */
  readFrom(nodeId: string): number;
  noteRead(nodeId: string, seq: number): void;
  /** Forgets the oldest of a kind beyond so many. */
  keepNewest(kind: string, count: number): void;
  /** Forgets what was done before a time; `deleted`: only what was deleted then. */
  forget(kind: string, before: number, which: "all" | "deleted"): void;
}

/** @param now the wall clock, in milliseconds since 1970 */
export function createChanges(store: Store, now: () => number = Date.now): Changes {
  const sql = {
    get: store.prepare("SELECT * FROM shared WHERE kind = ? AND key = ?"),
    number: store.prepare("INSERT INTO shared_numbers DEFAULT VALUES RETURNING id"),
    // AUTOINCREMENT remembers the last number, also when the row is gone.
    dropNumbers: store.prepare("DELETE FROM shared_numbers"),
    put: store.prepare("INSERT OR REPLACE INTO shared (kind, key, at, value, seq) VALUES (?, ?, ?, ?, ?)"),
    since: store.prepare("SELECT * FROM shared WHERE seq > ? ORDER BY seq LIMIT ?"),
    newest: store.prepare("SELECT coalesce(max(seq), 0) AS seq FROM shared"),
    readFrom: store.prepare("SELECT seq FROM shared_from WHERE node = ?"),
    noteRead: store.prepare("INSERT OR REPLACE INTO shared_from (node, seq) VALUES (?, ?)"),
    keep: store.prepare(
      `DELETE FROM shared WHERE kind = ?1 AND seq <= (SELECT seq FROM shared WHERE kind = ?1
       ORDER BY seq DESC LIMIT 1 OFFSET ?2)`,
    ),
    forget: store.prepare("DELETE FROM shared WHERE kind = ? AND at < ?"),
    forgetDeleted: store.prepare("DELETE FROM shared WHERE kind = ? AND at < ? AND value IS NULL"),
  };

  function write({ kind, key, at, value }: Change): void {
    const seq = Number(sql.number.get()!.id);
    sql.dropNumbers.run();
    sql.put.run(kind, key, at, value, seq);
  }

  function isNewer(change: Change): boolean {
    const row = sql.get.get(change.kind, change.key);
    if (!row) return true;
    const known = read(row);
    if (change.at !== known.at) return change.at > known.at;
    // All nodes choose the same one.
    return (change.value ?? "") > (known.value ?? "");
  }

  return {
    put: (kind, key, value) =>
      store.transaction(() => {
        const row = sql.get.get(kind, key);
        const at = Math.max(now(), row ? Number(row.at) + 1 : 0);
        write({ kind, key, at, value: value === null ? null : JSON.stringify(value) });
      }),
    get(kind, key) {
      const row = sql.get.get(kind, key);
      return row && row.value !== null ? read(row) : null;
    },
    take: (changes) =>
      store.transaction(() => {
        const fresh = changes.filter(isNewer);
        for (const change of fresh) write(change);
        return fresh;
      }),
    since(seq, limit) {
      const rows = sql.since.all(seq, limit);
      return { changes: rows.map(read), last: Number(rows.at(-1)?.seq ?? seq) };
    },
    newest: () => Number(sql.newest.get()?.seq),
    readFrom: (nodeId) => Number(sql.readFrom.get(nodeId)?.seq ?? 0),
    noteRead: (nodeId, seq) => void sql.noteRead.run(nodeId, seq),
    keepNewest: (kind, count) => void sql.keep.run(kind, count),
    forget: (kind, before, which) =>
      void (which === "all" ? sql.forget : sql.forgetDeleted).run(kind, before),
  };
}

const read = (row: Row): Change => ({
  kind: String(row.kind),
  key: String(row.key),
  at: Number(row.at),
  value: row.value === null ? null : String(row.value),
});
