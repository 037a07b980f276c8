import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * A killed git leaves its lock files. No ref may end in `.lock` (git-check-ref-format(1)), but any other name
 * can be a lock's.
 */
const LOCK = /.\.lock$/;
const LEFTOVER =
  /^(?:.+\.lock|tmp_(?:obj|pack|idx|rev|bitmap|graph|mtimes).*|\.tmp-.*|packed-refs\.new|gc\.pid)$/;

/**
 * Removes every lock and temporary file of a git directory, whatever its name. The call is only safe while no
 * git runs there: one process owns DATA_DIR, one writer runs per mirror, survivors are ended at start.
 * @returns the removed paths
 */
export function clearLeftovers(gitDir: string): string[] {
  const removed: string[] = [];
  const directories = [{ path: Buffer.from(gitDir), pattern: LEFTOVER }];
  for (const directory of directories) {
    for (const entry of entries(directory.path)) {
      const name = entry.name.toString("latin1");
      const path = Buffer.concat([directory.path, Buffer.from("/"), entry.name]);
      const holdsRefs = directory === directories[0] && /^(?:refs|logs)$/.test(name);
      if (directory.pattern.test(name)) {
        rmSync(path, { recursive: true, force: true });
        removed.push(path.toString());
      } else if (entry.isDirectory()) {
        directories.push({ path, pattern: holdsRefs ? LOCK : directory.pattern });
      }
    }
  }
  return removed;
}

/** Removes directories of other interrupted work: half clones and scratch directories beside the mirror. */
export function clearHalfWork(repositoryDir: string): void {
  if (!existsSync(repositoryDir)) return;
  for (const entry of entries(Buffer.from(repositoryDir))) {
    const name = entry.name.toString("latin1");
    if (/^(?:clone-[0-9a-f]+|ancestry-\w+|scratch(?:-\d+)?\.git)$/.test(name)) {
      rmSync(join(repositoryDir, name), { recursive: true, force: true });
    }
  }
}

/** Names are read as bytes, since the file of a ref has the ref's name. */
function entries(directory: Buffer) {
  try {
    return readdirSync(directory, { withFileTypes: true, encoding: "buffer" });
  } catch {
    return []; // The directory was removed in the meantime.
  }
}
