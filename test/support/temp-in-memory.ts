import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MEMORY = "/dev/shm";
/** The most that the tests had there at once is a tenth of it. */
const NEEDED_BYTES = 2 * 2 ** 30;

/**
 * SQLite and git sync what they write, and a busy disk takes ten times as long for that as everything
 * else in a test. So temporary files are in memory, where Linux has room; TMPDIR of one's own is kept.
 */
export function setup(): (() => void) | undefined {
  if (process.env.TMPDIR) return;
  const dir = roomInMemory();
  if (dir === null) return;
  process.env.TMPDIR = dir;
  return () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}

/** @returns a directory that everyone may write to, or null where there is too little room or no program may run */
function roomInMemory(): string | null {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize < NEEDED_BYTES) return null;
  } catch {
    return null;
  }
  const dir = mkdtempSync(join(MEMORY, "lockstep-tests-"));
  try {
    const program = join(dir, "program");
    writeFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
    execFileSync(program);
    // As /tmp: some tests give up being root.
    chmodSync(dir, 0o1777);
    return dir;
  } catch {
    rmSync(dir, { recursive: true });
    return null;
  }
}
