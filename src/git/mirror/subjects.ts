import { dropOldest } from "../../base/drop-oldest.js";
import type { Layout } from "../disk/layout.js";
import type { RunGit } from "../run/exec.js";

interface Tools {
  git: RunGit;
  layout: Pick<Layout, "mirror">;
  hasMirror(id: number): boolean;
}

const TIMEOUT_MS = 5_000;
/** A commit never changes, so its subject is asked for once; so many are remembered. */
const KEPT = 500;
const MAX_LENGTH = 200;

/** Makes the function that returns the first line of a commit's message; null: the mirror does not have the commit. */
export function createSubjects({ git, layout, hasMirror }: Tools) {
  const known = new Map<string, string>();

  return async (id: number, sha: string): Promise<string | null> => {
    const key = `${id} ${sha}`;
    const kept = known.get(key);
    if (kept !== undefined) return kept;
    if (!hasMirror(id)) return null;
    try {
      // git log --max-count=1 --format=%s <commit>
      const { stdout } = await git({
        args: ["log", "--max-count=1", "--format=%s", sha],
        gitDir: layout.mirror(id),
        timeoutMs: TIMEOUT_MS,
      });
      const subject = stdout.trimEnd().slice(0, MAX_LENGTH);
      known.set(key, subject);
      dropOldest(known, KEPT);
      return subject;
    } catch {
      // A picture of a commit is not worth a failure of the page.
      return null;
    }
  };
}
