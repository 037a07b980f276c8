import { nextTurn } from "../base/slices.js";
import type { Row, Store, Tables } from "../store/database.js";

/** Adds a row to what is counted of its repository, or takes it out. */
const counted = (row: "old" | "new", sign: "+" | "-"): string =>
  `UPDATE lfs_counts SET
   objects = objects ${sign} (${row}.stored_at IS NOT NULL),
   bytes = bytes ${sign} ${row}.size * (${row}.stored_at IS NOT NULL),
   missing = missing ${sign} (${row}.stored_at IS NULL),
   missing_bytes = missing_bytes ${sign} ${row}.size * (${row}.stored_at IS NULL),
   refused = refused ${sign} (${row}.stored_at IS NULL AND ${row}.tries > 0)
   WHERE repository_id = ${row}.repository_id;`;

export const LFS_TABLES: Tables = {
  module: "lfs",
  steps: [
    `CREATE TABLE lfs_objects (
       repository_id INTEGER NOT NULL,
       oid TEXT NOT NULL,
       size INTEGER NOT NULL,
       scan INTEGER NOT NULL,
       stored_at INTEGER,
       tries INTEGER NOT NULL DEFAULT 0,
       due_at INTEGER NOT NULL DEFAULT 0,
       fault TEXT,
       PRIMARY KEY (repository_id, oid)
     ) WITHOUT ROWID;
     CREATE INDEX lfs_objects_missing ON lfs_objects (repository_id, due_at, tries) WHERE stored_at IS NULL;
     -- What operators ask for is not counted from hundreds of thousands of rows.
     CREATE TABLE lfs_counts (
       repository_id INTEGER PRIMARY KEY,
       objects INTEGER NOT NULL DEFAULT 0,
       bytes INTEGER NOT NULL DEFAULT 0,
       missing INTEGER NOT NULL DEFAULT 0,
       missing_bytes INTEGER NOT NULL DEFAULT 0,
       refused INTEGER NOT NULL DEFAULT 0
     );
     CREATE TRIGGER lfs_objects_added AFTER INSERT ON lfs_objects BEGIN
       INSERT INTO lfs_counts (repository_id) VALUES (new.repository_id) ON CONFLICT DO NOTHING;
       ${counted("new", "+")}
     END;
     CREATE TRIGGER lfs_objects_changed AFTER UPDATE OF stored_at, tries ON lfs_objects BEGIN
       ${counted("old", "-")}
       ${counted("new", "+")}
     END;
     CREATE TRIGGER lfs_objects_removed AFTER DELETE ON lfs_objects BEGIN
       ${counted("old", "-")}
     END;
     CREATE TABLE lfs_scans (
       repository_id INTEGER PRIMARY KEY,
       scan INTEGER NOT NULL,
       scanned_at INTEGER NOT NULL,
       whole_at INTEGER NOT NULL
     );`,
  ],
};

/** An object that some pointer in a mirror names. */
export interface NamedObject {
  oid: string;
  /** In bytes, as the pointer says. */
  size: number;
}

/** How far a repository's pointers were looked for. Times are in milliseconds since 1970. */
export interface ScanState {
  /** Grows with each look. */
  scan: number;
  scannedAt: number;
  /** When every object of the mirror was last looked at. */
  wholeAt: number;
}

/** What is kept of a repository, and what is not yet. Sizes are in bytes. */
export interface KeptState {
  objects: number;
  bytes: number;
  missing: number;
  missingBytes: number;
  /** Objects, among the missing ones, that GitHub did not give when it was asked. */
  refused: number;
  /** Why one of these was not given; null: there is none. */
  fault: string | null;
  /** Milliseconds since 1970; null: pointers were not looked for yet. */
  scannedAt: number | null;
}

export interface LfsRecords {
  state(id: number): KeptState;
  /** Counts the objects of all repositories that are not kept: asked for in vain, or not yet. */
  missing(): { refused: number; waiting: number };
  scan(id: number): ScanState | null;
  /** Notes what a scan found. Other work runs between the rows. */
  found(id: number, scan: number, objects: Iterable<NamedObject>): Promise<void>;
  scanned(id: number, state: ScanState): void;
  /** Returns objects that no scan has found since this one; forget them once their files are gone. */
  unfound(id: number, scan: number, limit: number): string[];
  forget(id: number, oids: readonly string[]): void;
  /** Returns missing objects that may be asked for now, those that are due for the longest first. */
  due(id: number, now: number, limit: number): NamedObject[];
  /** Returns the repositories with such objects. */
  withDue(now: number): number[];
  stored(id: number, oids: readonly string[], at: number): void;
  /** Notes why an object was not given. @param againAt when to ask again, in milliseconds since 1970 */
  refused(id: number, oid: string, fault: string, againAt: (tries: number) => number): void;
  /** Returns the size of an object that is stored, in bytes; null: it is not. */
  sizeOf(id: number, oid: string): number | null;
  /** Returns stored objects in the order of their ids. @param after only ids behind this one; empty: the first ones */
  storedAfter(id: number, after: string, limit: number): NamedObject[];
  /** Notes that the file of an object that was stored is gone. */
  lost(id: number, oid: string): void;
}

/** So many rows are written in some milliseconds, and with one sync of the disk. */
const AT_A_TIME = 200;

export function createLfsRecords(store: Store): LfsRecords {
  const sql = statements(store);
  return {
    state: (id) => stateOf(sql, id),
    missing() {
      const { refused, waiting } = sql.missing.get() ?? {};
      return { refused: Number(refused), waiting: Number(waiting) };
    },
    scan(id) {
      const row = sql.scan.get(id);
      return row
        ? { scan: Number(row.scan), scannedAt: Number(row.scanned_at), wholeAt: Number(row.whole_at) }
        : null;
    },
    async found(id, scan, objects) {
      const all = [...objects];
      for (let n = 0; n < all.length; n += AT_A_TIME) {
        store.transaction(() => {
          for (const { oid, size } of all.slice(n, n + AT_A_TIME)) sql.found.run(id, oid, size, scan);
        });
        await nextTurn();
      }
    },
    scanned: (id, { scan, scannedAt, wholeAt }) => void sql.scanned.run(id, scan, scannedAt, wholeAt),
    unfound: (id, scan, limit) => sql.unfound.all(id, scan, limit).map(({ oid }) => String(oid)),
    forget: (id, oids) => store.transaction(() => void oids.map((oid) => sql.forget.run(id, oid))),
    due: (id, now, limit) => sql.due.all(id, now, limit).map(toObject),
    withDue: (now) => sql.withDue.all(now).map((row) => Number(row.id)),
    stored: (id, oids, at) => store.transaction(() => void oids.map((oid) => sql.stored.run(at, id, oid))),
    refused(id, oid, fault, againAt) {
      const tries = Number(sql.tries.get(id, oid)?.tries ?? 0) + 1;
      sql.refused.run(tries, againAt(tries), fault, id, oid);
    },
    sizeOf(id, oid) {
      const row = sql.sizeOf.get(id, oid);
      return row ? Number(row.size) : null;
    },
    storedAfter: (id, after, limit) => sql.storedAfter.all(id, after, limit).map(toObject),
    lost: (id, oid) => void sql.lost.run(id, oid),
  };
}

const toObject = ({ oid, size }: Row): NamedObject => ({ oid: String(oid), size: Number(size) });

function stateOf(sql: ReturnType<typeof statements>, id: number): KeptState {
  const row = sql.state.get(id) ?? {};
  const scan = sql.scan.get(id);
  const fault = Number(row.refused ?? 0) > 0 ? sql.fault.get(id)?.fault : null;
  return {
    objects: Number(row.objects ?? 0),
    bytes: Number(row.bytes ?? 0),
    missing: Number(row.missing ?? 0),
    missingBytes: Number(row.missing_bytes ?? 0),
    refused: Number(row.refused ?? 0),
    fault: fault === undefined || fault === null ? null : String(fault),
    scannedAt: scan ? Number(scan.scanned_at) : null,
  };
}

function statements(store: Store) {
  const where = "WHERE repository_id = ? AND oid = ?";
  return {
    state: store.prepare("SELECT * FROM lfs_counts WHERE repository_id = ?"),
    missing: store.prepare(
      "SELECT total(refused) AS refused, total(missing - refused) AS waiting FROM lfs_counts",
    ),
    fault: store.prepare(
      "SELECT fault FROM lfs_objects WHERE repository_id = ? AND stored_at IS NULL AND tries > 0 LIMIT 1",
    ),
    scan: store.prepare("SELECT * FROM lfs_scans WHERE repository_id = ?"),
    scanned: store.prepare(
      "INSERT OR REPLACE INTO lfs_scans (repository_id, scan, scanned_at, whole_at) VALUES (?, ?, ?, ?)",
    ),
    found: store.prepare(
      `INSERT INTO lfs_objects (repository_id, oid, size, scan) VALUES (?, ?, ?, ?)
       ON CONFLICT (repository_id, oid) DO UPDATE SET scan = excluded.scan`,
    ),
    unfound: store.prepare("SELECT oid FROM lfs_objects WHERE repository_id = ? AND scan < ? LIMIT ?"),
    forget: store.prepare(`DELETE FROM lfs_objects ${where}`),
    due: store.prepare(
      `SELECT oid, size FROM lfs_objects WHERE repository_id = ? AND stored_at IS NULL AND due_at <= ?
       ORDER BY due_at LIMIT ?`,
    ),
    withDue: store.prepare(
      `SELECT repository_id AS id FROM lfs_counts AS counts WHERE missing > 0 AND EXISTS (
         SELECT 1 FROM lfs_objects WHERE repository_id = counts.repository_id AND stored_at IS NULL AND due_at <= ?
       )`,
    ),
    stored: store.prepare(`UPDATE lfs_objects SET stored_at = ?, fault = NULL, tries = 0 ${where}`),
    tries: store.prepare(`SELECT tries FROM lfs_objects ${where}`),
    refused: store.prepare(`UPDATE lfs_objects SET tries = ?, due_at = ?, fault = ? ${where}`),
    sizeOf: store.prepare(`SELECT size FROM lfs_objects ${where} AND stored_at IS NOT NULL`),
    storedAfter: store.prepare(
      `SELECT oid, size FROM lfs_objects WHERE repository_id = ? AND oid > ? AND stored_at IS NOT NULL
       ORDER BY oid LIMIT ?`,
    ),
    lost: store.prepare(`UPDATE lfs_objects SET stored_at = NULL, due_at = 0 ${where}`),
  };
}
