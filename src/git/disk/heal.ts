import { type Dirent, existsSync, readdirSync, rmSync } from "node:fs";
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
  const directories = [{ path: gitDir, pattern: LEFTOVER }];
  for (const directory of directories) {
    for (const entry of entries(directory.path)) {
      const path = join(directory.path, entry.name);
      const holdsRefs = directory.path === gitDir && /^(?:refs|logs)$/.test(entry.name);
      if (directory.pattern.test(entry.name)) {
        rmSync(path, { recursive: true, force: true });
        removed.push(path);
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
  for (const { name } of entries(repositoryDir)) {
    if (/^(?:clone-[0-9a-f]+|ancestry-\w+|scratch\.git)$/.test(name)) {
      rmSync(join(repositoryDir, name), { recursive: true, force: true });
    }
  }
}

function entries(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // The directory was removed in the meantime.
  }
}
