import { renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type RefChange, ZERO } from "../../base/model.js";
import { hasEscapedByte } from "../../base/names.js";
import { readSmallFile, stageFile, syncDirectory } from "../../machine/small-files.js";
import { createBudget, LeftToGit } from "../objects/object.js";
import { createReadStored } from "../objects/stored.js";

const BRANCHES = "refs/heads/";
/** As git makes it: the umask takes the rest. */
const MODE = 0o666;
/** A ref's file, or HEAD, has a name of 255 bytes in it at most, or an object's. */
const MAX_BYTES = 1_024;

/**
 * Moves one branch as `git update-ref` does, without a process: the new value is written and synced under the ref's
 * lock, the old one compared, and the lock renamed. Only a ref that has a file of its own is moved; gitrepository-layout(5).
 * The change is on disk when the call returns.
 * @returns false: nothing has changed, and `git update-ref` is to do it, or to say why it cannot be done
 */
export async function moveDirectly(mirror: string, { ref, before, after }: RefChange): Promise<boolean> {
  const isMove = before !== ZERO && after !== ZERO;
  if (!isMove || !ref.startsWith(BRANCHES) || hasEscapedByte(ref)) return false;
  if (!isRepository(mirror) || !(await isCommit(mirror, after))) return false;
  // A packed ref has no file, and a symbolic one has another content.
  return replaceRef(join(mirror, ref), before, after);
}

async function replaceRef(path: string, before: string, after: string): Promise<boolean> {
  const lock = `${path}.lock`;
  try {
    await stageFile(lock, `${after}\n`, { mode: MODE }).sync();
  } catch (error) {
    // Somebody else's lock stays.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") removeLock(lock);
    return false;
  }
  try {
    if (read(path) !== `${before}\n`) throw new Error("the ref is not as expected");
    renameSync(lock, path);
  } catch {
    removeLock(lock);
    return false;
  }
  await syncDirectory(dirname(path));
  return true;
}

const read = (path: string): string | undefined =>
  readSmallFile(path, { maxBytes: MAX_BYTES })?.toString("latin1");

/** What cannot be removed is met by git, which says so. */
function removeLock(lock: string): void {
  try {
    rmSync(lock, { force: true });
  } catch {}
}

/** Whether git would take it for a repository. A mirror that is damaged is found by git, which says how. */
function isRepository(mirror: string): boolean {
  try {
    return /^ref: refs\/|^[\da-f]{40}$/m.test(read(join(mirror, "HEAD")) ?? "");
  } catch {
    return false;
  }
}

/** Whether git would let a branch name the object. */
async function isCommit(mirror: string, name: string): Promise<boolean> {
  try {
    return (await createReadStored(join(mirror, "objects"), createBudget())(name)).type === "commit";
  } catch (error) {
    if (error instanceof LeftToGit) return false;
    throw error;
  }
}
