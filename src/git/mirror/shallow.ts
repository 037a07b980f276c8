import { appendFileSync, copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeLocked } from "../disk/locked-file.js";

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
export async function takeShallow(gitDir: string, mirror: string): Promise<void> {
  const ends = read(gitDir);
  if (ends !== read(mirror)) await writeLocked(fileOf(mirror), ends);
}

/** Ends history at one more commit; the mirror must not be in use yet. */
export const addShallow = (gitDir: string, sha: string): void => appendFileSync(fileOf(gitDir), `${sha}\n`);

const read = (gitDir: string): string =>
  existsSync(fileOf(gitDir)) ? readFileSync(fileOf(gitDir), "utf8") : "";
