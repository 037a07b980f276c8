import type { Dirent } from "node:fs";
import { opendir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * A killed git leaves its lock files. No ref may end in `.lock` (git-check-ref-format(1)), but any other name
 * can be a lock's.
 */
const LOCK = /.\.lock$/;
const LEFTOVER =
  /^(?:.+\.lock|tmp_(?:obj|pack|idx|rev|bitmap|graph|mtimes).*|\.tmp-.*|packed-refs\.new|gc\.pid)$/;
const HALF_WORK = /^(?:clone-[0-9a-f]+|ancestry-\w+|scratch(?:-\d+)?\.git)$/;

/**
 * Removes every lock and temporary file of a git directory, whatever its name. The call is only safe while no
 * git runs there: one process owns DATA_DIR, one writer runs per mirror, survivors are ended at start.
 * @returns the removed paths
 */
export async function clearLeftovers(gitDir: string): Promise<string[]> {
  const removed: string[] = [];
  const directories = [{ path: Buffer.from(gitDir), pattern: LEFTOVER }];
  for (const directory of directories) {
    for await (const entry of entries(directory.path)) {
      const name = entry.name.toString("latin1");
      const path = Buffer.concat([directory.path, Buffer.from("/"), entry.name]);
      const holdsRefs = directory === directories[0] && /^(?:refs|logs)$/.test(name);
      if (directory.pattern.test(name)) {
        await rm(path, { recursive: true, force: true });
        removed.push(path.toString());
      } else if (entry.isDirectory()) {
        directories.push({ path, pattern: holdsRefs ? LOCK : directory.pattern });
      }
    }
  }
  return removed;
}

/** Removes directories of other interrupted work: half clones and scratch directories beside the mirror. */
export async function clearHalfWork(repositoryDir: string): Promise<void> {
  for (const name of await readdir(repositoryDir).catch(() => []))
    if (HALF_WORK.test(name)) await rm(join(repositoryDir, name), { recursive: true, force: true });
}

/** A directory of 50,000 refs is read in parts, between which other work runs. */
const READ_TOGETHER = 500;

/** Names are read as bytes, since the file of a ref has the ref's name. */
async function* entries(directory: Buffer): AsyncIterable<Dirent<Buffer>> {
  try {
    // Node's type of `opendir` has no encoding "buffer" for its entries.
    const options = { encoding: "buffer" as BufferEncoding, bufferSize: READ_TOGETHER };
    yield* (await opendir(directory, options)) as unknown as AsyncIterable<Dirent<Buffer>>;
  } catch {
    // The directory was removed in the meantime.
  }
}
