import { RefreshError } from "../../base/errors.js";
import { writeDurably } from "../../machine/durable.js";

/**
 * Replaces a file of a git directory under git's own lock, `<file>.lock`: the new content is written and synced
 * under the lock's name, which is then renamed.
 * @throws RefreshError `locked`
 */
export async function writeLocked(path: string, text: string): Promise<void> {
  try {
    await writeDurably(path, text, { replacesLock: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new RefreshError("locked", `${path}.lock exists: another git process writes ${path}`, {
      cause: error,
    });
  }
}
