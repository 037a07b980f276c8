import { createSignal, type Subscribe } from "../base/signal.js";
import type { Row, Store, Tables } from "../store/database.js";

export const HOLD_TABLES: Tables = {
  module: "holds",
  steps: [
    `CREATE TABLE holds (
       repository_id INTEGER NOT NULL,
       ref TEXT NOT NULL,
       tip TEXT NOT NULL,
       wanted TEXT NOT NULL,
       since INTEGER NOT NULL,
       cause TEXT NOT NULL,
       allowed TEXT,
       PRIMARY KEY (repository_id, ref)
     ) WITHOUT ROWID;`,
  ],
};

/** A hold keeps a ref at `tip`, whatever GitHub has, until a person allows the change. */
export interface Hold {
  ref: string;
  tip: string;
  /** GitHub's value of the ref; ZERO: GitHub has no such ref. */
  wanted: string;
  /** In milliseconds since 1970. With the tip, the time distinguishes one hold of a ref from the next. */
  since: number;
  /**
   * blocked: GitHub forced or deleted the ref. restored: an operator restored the ref to a kept tip. vanished:
   * GitHub no longer lists most of the mirror's refs (`ref` is ALL_REFS).
   */
  cause: "blocked" | "restored" | "vanished";
  /** The value of `wanted` that an operator allows. */
  allowed: string | null;
}

/** A hold, with the id of its repository. */
export type HeldRef = Hold & { id: number };

/** What becomes of a hold: it begins, an operator allows its change, or it ends. */
export type HoldEvent = "held" | "allowed" | "released";

/** An operator's calls come in while a refresh is running, so each write names the hold that it means. */
export interface Holds {
  /** Reports what becomes of a hold, within the transaction of the change. */
  onChanged: Subscribe<[id: number, event: HoldEvent, hold: Hold]>;
  of(id: number): Hold[];
  find(id: number, ref: string): Hold | null;
  /** Returns a page of the holds, by ref. @param after only holds of later refs; null: the first page */
  page(id: number, query: { limit: number; after: string | null }): { holds: Hold[]; next: string | null };
  count(id: number): number;
  /** Lists holds of all repositories, the newest first. */
  latest(limit: number): HeldRef[];
  /** Counts the refs that wait for an operator; a repository without any is left out. */
  waiting(ids: readonly number[]): Map<number, number>;
  /** Counts the refs of all repositories that wait for an operator. */
  countAll(): number;
  /** Returns the ids of the repositories that have held refs. */
  ids(): Set<number>;
  /** Stores the hold of a refused change; a hold that an operator has made in the meantime stands. */
  begin(id: number, hold: Hold): void;
  /** Stores an operator's hold, which replaces any other. */
  restore(id: number, hold: Hold): void;
  allow(id: number, ref: string, wanted: string): void;
  /** Records GitHub's new value. What was allowed for the former value does not count for the new one. */
  follow(id: number, hold: Hold, wanted: string): void;
  end(id: number, hold: Hold): void;
}

export function createHolds(store: Store): Holds {
  const one = "repository_id = ? AND ref = ?";
  const same = `${one} AND tip = ? AND since = ?`;
  const values = "(repository_id, ref, tip, wanted, since, cause) VALUES (?, ?, ?, ?, ?, ?)";
  const sql = {
    of: store.prepare("SELECT * FROM holds WHERE repository_id = ? ORDER BY ref"),
    find: store.prepare(`SELECT * FROM holds WHERE ${one}`),
    page: store.prepare("SELECT * FROM holds WHERE repository_id = ? AND ref > ? ORDER BY ref LIMIT ?"),
    count: store.prepare("SELECT count(*) AS n FROM holds WHERE repository_id = ?"),
    latest: store.prepare("SELECT * FROM holds WHERE allowed IS NULL ORDER BY since DESC LIMIT ?"),
    waiting: store.prepare(`SELECT repository_id, count(*) AS n FROM holds
       WHERE repository_id IN (SELECT value FROM json_each(?)) AND allowed IS NULL GROUP BY repository_id`),
    ids: store.prepare("SELECT DISTINCT repository_id FROM holds WHERE allowed IS NULL"),
    all: store.prepare("SELECT count(*) AS n FROM holds WHERE allowed IS NULL"),
    begin: store.prepare(`INSERT INTO holds ${values} ON CONFLICT DO NOTHING`),
    restore: store.prepare(`INSERT OR REPLACE INTO holds ${values}`),
    allow: store.prepare(`UPDATE holds SET allowed = ? WHERE ${one}`),
    follow: store.prepare(
      `UPDATE holds SET wanted = ?, allowed = CASE WHEN allowed = ? THEN allowed END WHERE ${same}`,
    ),
    end: store.prepare(`DELETE FROM holds WHERE ${same}`),
  };
  const row = (id: number, { ref, tip, wanted, since, cause }: Hold) => [id, ref, tip, wanted, since, cause];
  const changed = createSignal<[id: number, event: HoldEvent, hold: Hold]>();
  const findHold = (id: number, ref: string): Hold | null => {
    const found = sql.find.get(id, ref);
    return found ? read(found) : null;
  };
  /** Listeners write what follows from the change, so it is stored with the change or not at all. */
  const change = (id: number, event: HoldEvent, hold: Hold, write: () => { changes: number }) =>
    store.transaction(() => {
      if (write().changes > 0) changed.emit(id, event, hold);
    });

  return {
    onChanged: changed.on,
    of: (id) => sql.of.all(id).map(read),
    find: findHold,
    page(id, { limit, after }) {
      const rows = sql.page.all(id, after ?? "", limit + 1).map(read);
      const holds = rows.slice(0, limit);
      return { holds, next: rows.length > limit ? (holds.at(-1)?.ref ?? null) : null };
    },
    count: (id) => Number(sql.count.get(id)?.n),
    latest: (limit) => sql.latest.all(limit).map((row) => ({ ...read(row), id: Number(row.repository_id) })),
    waiting: (ids) =>
      new Map(
        sql.waiting
          .all(JSON.stringify(ids))
          .map((row) => [Number(row.repository_id), Number(row.n)] as const),
      ),
    countAll: () => Number(sql.all.get()?.n),
    ids: () => new Set(sql.ids.all().map((row) => Number(row.repository_id))),
    begin: (id, hold) => change(id, "held", hold, () => sql.begin.run(...row(id, hold))),
    restore: (id, hold) => change(id, "held", hold, () => sql.restore.run(...row(id, hold))),
    allow(id, ref, wanted) {
      const hold = findHold(id, ref);
      if (hold) change(id, "allowed", { ...hold, wanted }, () => sql.allow.run(wanted, id, ref));
    },
    follow: (id, { ref, tip, since }, wanted) => void sql.follow.run(wanted, wanted, id, ref, tip, since),
    end: (id, hold) => change(id, "released", hold, () => sql.end.run(id, hold.ref, hold.tip, hold.since)),
  };
}

const read = (row: Row): Hold => ({
  ref: String(row.ref),
  tip: String(row.tip),
  wanted: String(row.wanted),
  since: Number(row.since),
  cause: row.cause as Hold["cause"],
  allowed: row.allowed as string | null,
});
