import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MEMORY = "/dev/shm";
const PREFIX = "lockstep-tests-";
/** This is several times the size of all files that the tests have there at once. */
const NEEDED_BYTES = 2 * 2 ** 30;

/**
 * Puts temporary files in memory, where Linux has room for them, unless TMPDIR is set. SQLite and git sync
 * their writes, which takes a busy disk ten times as long as everything else in a test.
 */
export function setup(): (() => void) | undefined {
  if (process.env.TMPDIR) return;
  removeLeftovers();
  const dir = roomInMemory();
  if (dir === null) return;
  process.env.TMPDIR = dir;
  return () => removeOrLeave(dir);
}

/** A program that has just been ended may still write there. The next run removes what is left. */
function removeOrLeave(dir: string): void {
  try {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  } catch (error) {
    console.warn(`${dir} is left for the next run: ${String(error)}`);
  }
}

/** @returns a directory that everyone may write to, or null where room is short or programs may not run */
function roomInMemory(): string | null {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize < NEEDED_BYTES) return null;
  } catch {
    return null;
  }
  const dir = mkdtempSync(join(MEMORY, `${PREFIX}${process.pid}-`));
  try {
    const program = join(dir, "program");
    writeFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
    execFileSync(program);
    // The mode is that of a temporary directory, because some tests drop root.
    chmodSync(dir, 0o1777);
    return dir;
  } catch {
    rmSync(dir, { recursive: true });
    return null;
  }
}

/** Files that a killed run left behind take memory until they are removed. */
function removeLeftovers(): void {
  const names = existsSync(MEMORY) ? readdirSync(MEMORY).filter((name) => name.startsWith(PREFIX)) : [];
  for (const name of names) {
    const pid = name.slice(PREFIX.length).split("-")[0];
    if (!existsSync(`/proc/${pid}`)) removeOrLeave(join(MEMORY, name));
  }
}
