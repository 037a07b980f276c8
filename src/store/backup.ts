import { chmodSync, chownSync, existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import Database from "libsql";
import { syncPath } from "../machine/durable.js";
import { lockDirectory, requireKnown, type Tables } from "./database.js";

/** A file is not a backup that this program can use. */
export class BadBackup extends Error {
  override readonly name = "BadBackup";
}

export interface Backup {
  path: string;
  bytes: number;
  /** How many repositories it knows, also those that are gone. */
  repositories: number;
  /** How many old tips it names; their commits are in the mirrors alone. */
  keptTips: number;
}

const NAME = /^lockstep-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:-\d+)?Z\.db$/;

/**
 * Copies the database of DATA_DIR into a file of a directory, also while Lockstep runs. The copy is one moment's state,
 * compact, checked and on disk when the promise resolves: VACUUM INTO, https://sqlite.org/lang_vacuum.html.
 * @param now names the file
 * @throws BadBackup when there is no database, or the copy is not sound
 */
export async function backUp(dataDir: string, dir: string, now: Date): Promise<Backup> {
  const from = join(dataDir, "lockstep.db");
  if (!existsSync(from)) throw new BadBackup(`${from} does not exist`);
  await mkdir(dir, { recursive: true, mode: 0o750 });
  const path = join(dir, `lockstep-${now.toISOString().replace(/\.\d+/, "").replaceAll(":", "-")}.db`);
  if (existsSync(path)) throw new BadBackup(`${path} exists already`);
  const beside = `${path}.new`;
  rmSync(beside, { force: true });
  try {
    const db = new Database(from, { timeout: 10_000 });
    try {
      db.prepare("VACUUM INTO ?").run(beside);
    } finally {
      db.close();
    }
    chmodSync(beside, 0o600);
    const found = inspect(beside);
    await syncPath(beside);
    renameSync(beside, path);
    await syncPath(dir);
    return { path, bytes: statSync(path).size, ...found };
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/** Lists the backups of a directory, the newest first. */
export function backupsIn(dir: string): string[] {
  const names = readdirSync(dir).filter((name) => NAME.test(name));
  return names
    .sort()
    .reverse()
    .map((name) => join(dir, name));
}

/**
 * Puts a backup in the place of DATA_DIR's database, which stays beside it under another name. Lockstep must not run.
 * @returns the path of the replaced database; null: there was none
 * @throws DirectoryTaken; BadBackup when the file is no sound database of this program or an older one
 */
export async function restoreBackup(
  dataDir: string,
  file: string,
  { tables, now }: { tables: Tables[]; now: Date },
): Promise<string | null> {
  if (!existsSync(file)) throw new BadBackup(`${file} does not exist`);
  await mkdir(dataDir, { recursive: true, mode: 0o750 });
  const lock = lockDirectory(dataDir);
  try {
    const path = join(dataDir, "lockstep.db");
    const beside = `${path}.new`;
    await copyFile(file, beside);
    chmodSync(beside, 0o600);
    inspect(beside, tables);
    giveTo(beside, dataDir);
    await syncPath(beside);
    const replaced = existsSync(path) ? setAside(path, now) : null;
    renameSync(beside, path);
    await syncPath(dataDir);
    return replaced;
  } finally {
    rmSync(join(dataDir, "lockstep.db.new"), { force: true });
    lock.close();
    giveTo(join(dataDir, "lock"), dataDir);
  }
}

/** The files of the write-ahead log belong to the database, and would be read into the new one. */
function setAside(path: string, now: Date): string {
  const aside = `${path}.replaced-${now.getTime()}`;
  for (const end of ["-wal", "-shm", ""]) if (existsSync(path + end)) renameSync(path + end, aside + end);
  return aside;
}

/** An administrator may restore for Lockstep's user, who owns DATA_DIR. */
function giveTo(path: string, dataDir: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dataDir);
  chownSync(path, uid, gid);
}

function inspect(file: string, tables: Tables[] = []): Pick<Backup, "repositories" | "keptTips"> {
  let db: Database.Database | null = null;
  try {
    db = new Database(file);
    const verdict = Object.values(db.prepare("PRAGMA quick_check(1)").get() as object)[0];
    if (verdict !== "ok") throw new BadBackup(`${file} is damaged: ${verdict}`);
    const count = (table: string) =>
      Number((db!.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n);
    for (const { module, steps } of tables) requireKnown(db, module, steps);
    return { repositories: count("repositories"), keptTips: count("kept_tips") };
  } catch (error) {
    if (error instanceof BadBackup) throw error;
    throw new BadBackup(`${file} is no backup: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  } finally {
    db?.close();
  }
}
