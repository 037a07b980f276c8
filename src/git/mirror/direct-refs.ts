import { readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type RefChange, ZERO } from "../../base/model.js";
import { hasEscapedByte } from "../../base/names.js";
import { syncPath, writeSynced } from "../../machine/durable.js";
import { createBudget, LeftToGit } from "../objects/object.js";
import { createReadStored } from "../objects/stored.js";

const BRANCHES = "refs/heads/";
/** As git makes it: the umask takes the rest. */
const MODE = 0o666;

/**
 * Moves one branch as `git update-ref` does, without a process: the new value is written and synced under the ref's
 * lock, the old one compared, and the lock renamed. Only a ref that has a file of its own is moved; gitrepository-layout(5).
 * The change is on disk when the call returns.
 * @returns false: nothing has changed, and `git update-ref` is to do it, or to say why it cannot be done
 */
export async function moveDirectly(mirror: string, { ref, before, after }: RefChange): Promise<boolean> {
  const isMove = before !== ZERO && after !== ZERO;
  if (!isMove || !ref.startsWith(BRANCHES) || hasEscapedByte(ref)) return false;
  if (!(await isRepository(mirror)) || !(await isCommit(mirror, after))) return false;
  const path = join(mirror, ref);
  const lock = `${path}.lock`;
  try {
    await writeSynced(lock, Buffer.from(`${after}\n`), { mode: MODE });
  } catch (error) {
    // Somebody else's lock stays.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") await rm(lock, { force: true }).catch(() => {});
    return false;
  }
  try {
    // A packed ref has no file, and a symbolic one has another content.
    if ((await readFile(path, "latin1")) !== `${before}\n`) throw new Error("the ref is not as expected");
    await rename(lock, path);
  } catch {
    await rm(lock, { force: true }).catch(() => {});
    return false;
  }
  await syncPath(dirname(path));
  return true;
}

/** Whether git would take it for a repository. A mirror that is damaged is found by git, which says how. */
async function isRepository(mirror: string): Promise<boolean> {
  const head = await readFile(join(mirror, "HEAD"), "latin1").catch(() => "");
  return /^ref: refs\/|^[\da-f]{40}$/m.test(head);
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
