import type { Row, Store, Tables } from "../store/database.js";

export const KEPT_TIP_TABLES: Tables = {
  module: "kept_tips",
  steps: [
    `CREATE TABLE kept_tips (
       repository_id INTEGER NOT NULL,
       name TEXT NOT NULL,
       ref TEXT,
       sha TEXT NOT NULL,
       at INTEGER NOT NULL,
       PRIMARY KEY (repository_id, name)
     ) WITHOUT ROWID;`,
  ],
};

/** A tip that a ref has left behind, as the mirror keeps it. */
export interface KeptTipRow {
  /** The ref that keeps the tip. */
  name: string;
  /** The tip's former ref; null when that name was too long to be part of `name`. */
  ref: string | null;
  sha: string;
  /** When the tip was kept, in milliseconds since 1970. */
  at: number;
}

/** The database's copy of every mirror's kept tips, which outlives the mirror's refs. */
export interface KeptTips {
  /** Returns the tips, oldest first. */
  of(id: number): KeptTipRow[];
  add(id: number, tips: KeptTipRow[]): void;
  drop(id: number, tips: KeptTipRow[]): void;
  replace(id: number, tips: KeptTipRow[]): void;
}

export function createKeptTips(store: Store): KeptTips {
  const sql = {
    of: store.prepare("SELECT * FROM kept_tips WHERE repository_id = ? ORDER BY at, name"),
    add: store.prepare("INSERT OR REPLACE INTO kept_tips VALUES (?, ?, ?, ?, ?)"),
    drop: store.prepare("DELETE FROM kept_tips WHERE repository_id = ? AND name = ?"),
    clear: store.prepare("DELETE FROM kept_tips WHERE repository_id = ?"),
  };

  function add(id: number, tips: KeptTipRow[]): void {
    if (tips.length === 0) return;
    store.transaction(() => {
      for (const { name, ref, sha, at } of tips) sql.add.run(id, name, ref, sha, at);
    });
  }

  return {
    of: (id) => sql.of.all(id).map(read),
    add,
    drop: (id, tips) =>
      store.transaction(() => {
        for (const { name } of tips) sql.drop.run(id, name);
      }),
    replace: (id, tips) =>
      store.transaction(() => {
        sql.clear.run(id);
        add(id, tips);
      }),
  };
}

const read = (row: Row): KeptTipRow => ({
  name: String(row.name),
  ref: row.ref as string | null,
  sha: String(row.sha),
  at: Number(row.at),
});
