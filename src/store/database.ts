import { closeSync, fdatasync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import Database from "libsql";
import { createSignal, type Subscribe } from "../base/signal.js";
import { createGroupCommit, type GroupCommit } from "./group-commit.js";

/** Another process owns DATA_DIR. */
export class DirectoryTaken extends Error {
  override readonly name = "DirectoryTaken";

  constructor(
    readonly dataDir: string,
    cause: unknown,
  ) {
    const remedy = "Stop the other Lockstep, or give this one its own DATA_DIR.";
    super(`Another Lockstep is already running in ${dataDir}. ${remedy}`, { cause });
  }
}

export type Row = Record<string, unknown>;

export interface Statement {
  run(...values: unknown[]): { changes: number };
  get(...values: unknown[]): Row | undefined;
  all(...values: unknown[]): Row[];
}

export interface Store {
  prepare(sql: string): Statement;
  /** Runs `fn` in one transaction; inside another one it joins it. */
  transaction<T>(fn: () => T): T;
  /**
   * Runs `fn` in one transaction that a kill does not undo, but a power cut may, up to the next transaction that is
   * synced. For what costs no more than work done again; it does not wait for the disk. Inside another one it joins it.
   */
  unsynced<T>(fn: () => T): T;
  /** Runs a write in a transaction that it shares with others that come at the same time. */
  inGroup: GroupCommit;
  /** Reports that a transaction was undone: what was written in it is not in the database. */
  onUndone: Subscribe<[]>;
  /** Throws when nothing can be written, because the disk is full or the file has become read-only. */
  probe(): void;
  close(): void;
}

/** A module's tables, as the steps that build them; a released step never changes. */
export interface Tables {
  module: string;
  steps: string[];
}

/**
 * Opens `$DATA_DIR/lockstep.db`, takes the lock on DATA_DIR and brings the tables up to date.
 * synchronous=FULL: what was acknowledged survives power loss
 * (https://sqlite.org/pragma.html#pragma_synchronous).
 * @throws DirectoryTaken; Error when the tables are newer than this program; Error with the code SQLITE_CORRUPT or
 * SQLITE_NOTADB when the file is damaged.
 */
export function openStore(dataDir: string, tables: Tables[]): Store {
  mkdirSync(dataDir, { recursive: true, mode: 0o750 });
  const lock = lockDirectory(dataDir);
  try {
    const file = join(dataDir, "lockstep.db");
    const db = openDatabase(file, tables);
    return wrap(db, { lock, log: openLog(file) });
  } catch (error) {
    lock.close();
    throw error;
  }
}

function openDatabase(file: string, tables: Tables[]): Database.Database {
  // SQLite gives its -wal and -shm files the mode of the database.
  closeSync(openSync(file, "a", 0o600));
  const db = new Database(file, { timeout: 2000 });
  try {
    requireSound(db);
    db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON");
    db.exec("CREATE TABLE IF NOT EXISTS migrations (module TEXT PRIMARY KEY, version INTEGER NOT NULL)");
    migrateAll(db, tables);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * A file whose end is missing can be opened, and fails later at whatever stood there. 100 MB take some 0.2 s.
 * https://sqlite.org/pragma.html#pragma_quick_check
 * @throws Error with the code SQLITE_CORRUPT
 */
function requireSound(db: Database.Database): void {
  const [verdict] = Object.values(db.prepare("PRAGMA quick_check(1)").get() as object);
  if (verdict !== "ok") throw Object.assign(new Error(String(verdict)), { code: "SQLITE_CORRUPT" });
}

function migrateAll(db: Database.Database, tables: Tables[]): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const { module, steps } of tables) migrate(db, module, steps);
    db.exec("COMMIT");
  } catch (error) {
    // A full disk may already have rolled the transaction back.
    if (db.inTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/**
 * The lock is a SQLite file kept in BEGIN EXCLUSIVE: the kernel frees it when the process dies, however it
 * dies. Unlike a pid file, the lock means the same inside and outside a container.
 */
export function lockDirectory(dataDir: string): Database.Database {
  const lock = new Database(join(dataDir, "lock"));
  try {
    lock.exec("PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    throw (error as { code?: string }).code === "SQLITE_BUSY" ? new DirectoryTaken(dataDir, error) : error;
  }
}

function migrate(db: Database.Database, module: string, steps: string[]): void {
  const version = requireKnown(db, module, steps);
  for (const step of steps.slice(version)) db.exec(step);
  db.prepare("INSERT OR REPLACE INTO migrations (module, version) VALUES (?, ?)").run(module, steps.length);
}

/** @returns how many steps of a module the database has @throws Error when it has more than this program knows */
export function requireKnown(db: Database.Database, module: string, steps: string[]): number {
  const row = db.prepare("SELECT version FROM migrations WHERE module = ?").get(module) as
    | { version: number }
    | undefined;
  const version = row?.version ?? 0;
  if (version > steps.length) {
    throw new Error(
      `lockstep.db was written by a newer Lockstep (${module} ${version} > ${steps.length}). Upgrade this one, or restore the backup made before the upgrade.`,
    );
  }
  return version;
}

/**
 * Opens SQLite's write-ahead log, to sync it apart from a commit. The process may close it: SQLite's locks are on other
 * files (https://sqlite.org/walformat.html#locks). @returns null where the file system has SQLite keep a journal instead
 */
function openLog(file: string): number | null {
  try {
    return openSync(`${file}-wal`, "r+");
  } catch {
    return null;
  }
}

interface Files {
  lock: Database.Database;
  log: number | null;
}

const syncData = promisify(fdatasync);

function wrap(db: Database.Database, { lock, log }: Files): Store {
  let depth = 0;
  const undone = createSignal<[]>();
  const probe = db.prepare(
    "INSERT OR REPLACE INTO migrations (module, version) SELECT 'probe', coalesce(max(version), 0) % 1000 + 1 FROM migrations WHERE module = 'probe'",
  );
  function transaction<T>(fn: () => T): T {
    if (depth > 0) return fn();
    db.exec("BEGIN IMMEDIATE");
    depth = 1;
    try {
      const result = fn();
      db.exec("COMMIT");
      return result;
    } catch (error) {
      undone.emit();
      // A full disk may already have rolled the transaction back.
      if (db.inTransaction) db.exec("ROLLBACK");
      throw error;
    } finally {
      depth = 0;
    }
  }
  /** The commit is in the log without a sync, which is all that FULL adds to it. */
  function unsynced<T>(fn: () => T): T {
    if (log === null || depth > 0) return transaction(fn);
    db.exec("PRAGMA synchronous=NORMAL");
    try {
      return transaction(fn);
    } finally {
      db.exec("PRAGMA synchronous=FULL");
    }
  }

  let isClosed = false;
  let syncs = Promise.resolve();
  const inGroup = createGroupCommit({
    commit: unsynced,
    sync() {
      if (log === null) return Promise.resolve();
      const sync = syncData(log);
      syncs = sync.catch(() => {});
      return sync;
    },
  });
  return {
    prepare: (sql) => db.prepare(sql) as unknown as Statement,
    transaction,
    unsynced,
    inGroup,
    onUndone: undone.on,
    probe: () => void probe.run(),
    close() {
      // The number of a closed file may be another file's by now.
      if (isClosed) return;
      isClosed = true;
      db.close();
      lock.close();
      if (log !== null) void syncs.then(() => closeSync(log));
    },
  };
}
