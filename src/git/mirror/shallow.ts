import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { RefreshError } from "../../base/errors.js";

/** The file has the commits at which history ends, one a line: gitrepository-layout(5), shallow. */
const fileOf = (gitDir: string): string => join(gitDir, "shallow");

/** Copies where history ends to a git directory that shares the mirror's objects. */
export function lendShallow(mirror: string, gitDir: string): void {
  rmSync(fileOf(gitDir), { force: true });
  if (existsSync(fileOf(mirror))) copyFileSync(fileOf(mirror), fileOf(gitDir));
}

/**
 * Takes over the shallow file that a fetch through that directory has written, before any ref leads to the
 * fetched objects. Maintenance may write the same file, so git's own lock is used: the new content, under the
 * lock's name.
 * @throws RefreshError `locked`
 */
export function takeShallow(gitDir: string, mirror: string): void {
  const ends = read(gitDir);
  if (ends === read(mirror)) return;
  const lock = `${fileOf(mirror)}.lock`;
  const file = openLock(lock);
  try {
    writeSync(file, ends);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(lock, fileOf(mirror));
}

/** Ends history at one more commit; the mirror must not be in use yet. */
export const addShallow = (gitDir: string, sha: string): void => appendFileSync(fileOf(gitDir), `${sha}\n`);

function openLock(path: string): number {
  try {
    return openSync(path, "wx", 0o640);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new RefreshError("locked", `${path} exists: another git process is writing it`, { cause: error });
  }
}

const read = (gitDir: string): string =>
  existsSync(fileOf(gitDir)) ? readFileSync(fileOf(gitDir), "utf8") : "";
