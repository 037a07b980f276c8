import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";

export const DAY_MS = 86_400_000;

/** Writes into the database of a stopped Lockstep what time would have changed. */
export function wearOut(dataDir: string, columns: Record<string, number>): void {
  const db = new Database(join(dataDir, "lockstep.db"));
  const set = Object.keys(columns).map((column) => `${column} = ?`);
  db.prepare(`UPDATE maintenance SET ${set.join(", ")}`).run(...Object.values(columns));
  db.close();
}

/** Makes every object of a mirror a month old. */
export function ageObjects(mirror: string): void {
  const then = (Date.now() - 30 * DAY_MS) / 1000;
  for (const entry of readdirSync(join(mirror, "objects"), { withFileTypes: true, recursive: true }))
    if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), then, then);
}

/** Reads the maintenance record of a stopped Lockstep's only repository. */
export function wornSince(dataDir: string, column: string): number {
  const db = new Database(join(dataDir, "lockstep.db"));
  const row = db.prepare(`SELECT ${column} AS value FROM maintenance`).get() as { value: number | null };
  db.close();
  return Number(row.value);
}
