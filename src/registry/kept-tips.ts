import { deleteInSlices, nextTurn } from "../base/slices.js";
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
    "CREATE INDEX kept_tips_at ON kept_tips (repository_id, at, name)",
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

/** So many rows are read in some milliseconds. */
const READ_TOGETHER = 500;
/** So many rows are written in some milliseconds, and with one sync of the disk. */
const WRITTEN_TOGETHER = 200;

/** The time and the name of a tip. */
export type KeptTipPlace = [at: number, name: string];

export interface KeptTipPage {
  tips: KeptTipRow[];
  /** Where the next page begins; null: this is the last page. */
  next: KeptTipPlace | null;
  /** The number of tips on all pages. */
  total: number;
}

/**
 * The database's copy of every mirror's kept tips, which outlives the mirror's refs. Many tips are written in several
 * transactions, between which other work runs: after a kill the next full comparison adds what is missing.
 */
export interface KeptTips {
  /** Returns the tips, oldest first. Other work runs while they are read. */
  of(id: number): Promise<KeptTipRow[]>;
  /** Returns a page of the tips, newest first. @param after only tips behind this place; null: the first page */
  page(id: number, query: { limit: number; after: KeptTipPlace | null }): KeptTipPage;
  find(id: number, name: string): KeptTipRow | null;
  count(id: number): number;
  add(id: number, tips: KeptTipRow[]): Promise<void>;
  drop(id: number, tips: KeptTipRow[]): Promise<void>;
  /** Drops all tips that were kept before `at`, in milliseconds since 1970. */
  dropBefore(id: number, at: number): Promise<void>;
  replace(id: number, tips: KeptTipRow[]): Promise<void>;
}

export function createKeptTips(store: Store): KeptTips {
  const sql = {
    some: store.prepare(
      `SELECT * FROM kept_tips WHERE repository_id = ?1 AND (at, name) > (?2, ?3) ORDER BY at, name LIMIT ${READ_TOGETHER}`,
    ),
    page: store.prepare(
      `SELECT * FROM kept_tips WHERE repository_id = ?1 AND (at, name) < (?2, ?3)
       ORDER BY at DESC, name DESC LIMIT ?4`,
    ),
    find: store.prepare("SELECT * FROM kept_tips WHERE repository_id = ? AND name = ?"),
    count: store.prepare("SELECT count(*) AS n FROM kept_tips WHERE repository_id = ?"),
    dropBefore: store.prepare(
      `DELETE FROM kept_tips WHERE repository_id = ?1 AND name IN
       (SELECT name FROM kept_tips WHERE repository_id = ?1 AND at < ?2 LIMIT ?3)`,
    ),
    add: store.prepare("INSERT OR REPLACE INTO kept_tips VALUES (?, ?, ?, ?, ?)"),
    drop: store.prepare("DELETE FROM kept_tips WHERE repository_id = ? AND name = ?"),
  };

  async function writeEach(tips: KeptTipRow[], write: (tip: KeptTipRow) => void): Promise<void> {
    for (let from = 0; from < tips.length; from += WRITTEN_TOGETHER) {
      if (from > 0) await nextTurn();
      store.transaction(() => {
        for (const tip of tips.slice(from, from + WRITTEN_TOGETHER)) write(tip);
      });
    }
  }

  const add = (id: number, tips: KeptTipRow[]): Promise<void> =>
    writeEach(tips, ({ name, ref, sha, at }) => void sql.add.run(id, name, ref, sha, at));

  async function dropBefore(id: number, at: number): Promise<void> {
    await deleteInSlices((limit) => sql.dropBefore.run(id, at, limit).changes);
  }

  const count = (id: number): number => Number(sql.count.get(id)?.n);

  return {
    async of(id) {
      const tips: KeptTipRow[] = [];
      for (let last: KeptTipRow | undefined; ; ) {
        const rows = sql.some.all(id, last?.at ?? -1, last?.name ?? "").map(read);
        for (const row of rows) tips.push(row);
        if (rows.length < READ_TOGETHER) return tips;
        last = rows.at(-1);
        await nextTurn();
      }
    },
    page(id, { limit, after }) {
      const [at, name] = after ?? [Number.MAX_SAFE_INTEGER, ""];
      const rows = sql.page.all(id, at, name, limit + 1).map(read);
      const tips = rows.slice(0, limit);
      const last = tips.at(-1);
      return { tips, next: rows.length > limit && last ? [last.at, last.name] : null, total: count(id) };
    },
    find(id, name) {
      const row = sql.find.get(id, name);
      return row ? read(row) : null;
    },
    count,
    add,
    drop: (id, tips) => writeEach(tips, ({ name }) => void sql.drop.run(id, name)),
    dropBefore,
    async replace(id, tips) {
      await dropBefore(id, Number.MAX_SAFE_INTEGER);
      await add(id, tips);
    },
  };
}

const read = (row: Row): KeptTipRow => ({
  name: String(row.name),
  ref: row.ref as string | null,
  sha: String(row.sha),
  at: Number(row.at),
});
