import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import type { Random } from "../random.js";

/** The ways in which a disk, or a power cut, spoils a file. */
export const DAMAGES = {
  flip(file: string, random: Random): void {
    const content = readFileSync(file);
    if (content.length === 0) return;
    const at = random.below(content.length);
    content[at] = content[at]! ^ (1 << random.below(8));
    writeFileSync(file, content);
  },
  cut(file: string, random: Random): void {
    truncateSync(file, random.below(statSync(file).size));
  },
  empty(file: string): void {
    truncateSync(file, 0);
  },
} as const;

export type Damage = keyof typeof DAMAGES;

export function damage(file: string, how: Damage, random: Random): void {
  chmodSync(file, 0o644);
  DAMAGES[how](file, random);
}

/** Lists the files below a directory whose path, from there, fits; sorted, so that a seed picks the same one. */
export function filesIn(dir: string, fits: RegExp): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((path) => fits.test(path) && statSync(join(dir, path)).isFile())
    .sort()
    .map((path) => join(dir, path));
}

/**
 * Has the database say that the machine was restarted since Lockstep last ran, and that no mirror was ever checked:
 * damage on the disk is looked for at a restart, and once a week. Lockstep must not run.
 */
export function pretendRestart(dataDir: string): void {
  const db = new Database(join(dataDir, "lockstep.db"));
  try {
    db.exec(`UPDATE facts SET value = '"before the restart"' WHERE name = 'boot'`);
    // Each published tree remembers the boot in which its files were written.
    db.exec("UPDATE trees SET boot = 'before the restart'");
    db.exec("UPDATE maintenance_runs SET done_at = 0, retry_at = NULL WHERE task = 'check'");
  } finally {
    db.close();
  }
}
