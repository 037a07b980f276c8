import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";

export const DAY_MS = 86_400_000;

/** Writes into the database of a Lockstep that is stopped what time would have. */
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
