import type { Store, Tables } from "../store/database.js";

export const BOOT_CHECK_TABLES: Tables = {
  module: "boot_checks",
  steps: [
    `CREATE TABLE boot_checks (
       repository_id INTEGER PRIMARY KEY,
       is_inspected INTEGER NOT NULL DEFAULT 0,
       is_requested INTEGER NOT NULL DEFAULT 0
     );`,
  ],
};

/**
 * The mirrors whose files are doubted since the machine was started again: each is inspected by its next
 * refresh, and compared in full by a refresh that is requested in its turn.
 */
export interface BootChecks {
  /** Doubts all of these mirrors, whatever was done before. */
  doubt(ids: number[]): void;
  needsInspection(id: number): boolean;
  inspected(id: number): void;
  /** Whether the comparison of the mirror has not been requested yet. */
  needsRequest(id: number): boolean;
  requested(id: number): void;
  /** Returns the repositories whose comparison has not been requested yet. */
  unrequested(): number[];
}

export function createBootChecks(store: Store): BootChecks {
  const sql = {
    doubt: store.prepare("INSERT OR REPLACE INTO boot_checks (repository_id) VALUES (?)"),
    get: store.prepare("SELECT * FROM boot_checks WHERE repository_id = ?"),
    inspected: store.prepare("UPDATE boot_checks SET is_inspected = 1 WHERE repository_id = ?"),
    requested: store.prepare("UPDATE boot_checks SET is_requested = 1 WHERE repository_id = ?"),
    clean: store.prepare(
      "DELETE FROM boot_checks WHERE repository_id = ? AND is_inspected = 1 AND is_requested = 1",
    ),
    unrequested: store.prepare(
      "SELECT repository_id AS id FROM boot_checks WHERE is_requested = 0 ORDER BY id",
    ),
  };

  function note(statement: "inspected" | "requested", id: number): void {
    store.transaction(() => {
      sql[statement].run(id);
      sql.clean.run(id);
    });
  }

  return {
    doubt: (ids) =>
      store.transaction(() => {
        for (const id of ids) sql.doubt.run(id);
      }),
    needsInspection: (id) => sql.get.get(id)?.is_inspected === 0,
    inspected: (id) => note("inspected", id),
    needsRequest: (id) => sql.get.get(id)?.is_requested === 0,
    requested: (id) => note("requested", id),
    unrequested: () => sql.unrequested.all().map(({ id }) => Number(id)),
  };
}
