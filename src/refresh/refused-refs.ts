import { RefreshError } from "../base/errors.js";
import type { RefusedRef } from "../base/model.js";
import type { Row, Store, Tables } from "../store/database.js";

export const REFUSED_REF_TABLES: Tables = {
  module: "refused_refs",
  steps: [
    // The rows of a repository are deleted together with the repository.
    `CREATE TABLE refused_refs (
       repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
       ref TEXT NOT NULL,
       reason TEXT NOT NULL,
       PRIMARY KEY (repository_id, ref)
     ) WITHOUT ROWID`,
  ],
};

/** So many refs of one repository are recorded; the others are left out of the mirror all the same. */
const MAX_RECORDED = 1_000;
/** So many refs are named in the repository's last error. */
const MAX_NAMED = 50;

/** The refs of GitHub's that the mirrors lack, because git or the disk refuses to write them. */
export interface RefusedRefs {
  /**
   * Records what a refresh could not write; joins the caller's transaction. @param settled the refs that the refresh
   * has brought or refused; null: every ref
   */
  settle(id: number, refused: RefusedRef[], settled: string[] | null): void;
  /** Returns the failure that names a repository's refused refs; null: there is none. */
  failure(id: number): RefreshError | null;
}

export function createRefusedRefs(store: Store): RefusedRefs {
  const of = "FROM refused_refs WHERE repository_id = ?";
  const sql = {
    some: store.prepare(`SELECT ref, reason ${of} ORDER BY ref LIMIT ${MAX_NAMED}`),
    count: store.prepare(`SELECT count(*) AS n ${of}`),
    clear: store.prepare(`DELETE ${of}`),
    drop: store.prepare(`DELETE ${of} AND ref = ?`),
    add: store.prepare("INSERT OR REPLACE INTO refused_refs VALUES (?, ?, ?)"),
  };
  const count = (id: number): number => Number(sql.count.get(id)?.n);
  return {
    settle(id, refused, settled) {
      if (settled === null) sql.clear.run(id);
      else if (count(id) > 0) for (const ref of settled) sql.drop.run(id, ref);
      if (refused.length === 0) return;
      const room = MAX_RECORDED - count(id);
      for (const { ref, reason } of refused.slice(0, room)) sql.add.run(id, ref, reason);
    },
    failure(id) {
      const all = count(id);
      return all === 0 ? null : failureOf(sql.some.all(id), all);
    },
  };
}

function failureOf(rows: Row[], all: number): RefreshError {
  const named = rows.map(({ ref, reason }) => `${ref}: ${reason}`);
  const more = all > named.length ? `; and ${all - named.length} more` : "";
  return new RefreshError("ref_refused", `left out ${named.join("; ")}${more}`);
}
