import type { ScopeOf } from "../../base/model.js";
import type { Layout } from "../disk/layout.js";
import type { RunGit } from "../run/exec.js";

/** The commits that can be reached in a mirror. */
export interface Reach {
  /** Returns the commits among these objects that the mirror has; a tag stands for its commit. */
  commits(id: number, objects: string[]): Promise<Map<string, string>>;
  /** Whether some ref inside REFSPECS leads to the commit. */
  fromRefs(id: number, commit: string): Promise<boolean>;
  fromCommits(id: number, commit: string, tips: string[]): Promise<boolean>;
}

const TIMEOUT_MS = 60_000;

interface Tools {
  git: RunGit;
  layout: Layout;
  scopeOf: ScopeOf;
}

export function createReach({ git, layout, scopeOf }: Tools): Reach {
  const globs = (id: number) => scopeOf(id).refspecs.map((pattern) => `--glob=${globOf(pattern)}`);

  /** git makes one walk from all tips; `for-each-ref --contains` makes one from each. */
  async function isReached(id: number, commit: string, from: string[]): Promise<boolean> {
    // git rev-list --max-count=1 <commit> --not --glob=refs/heads/* … prints the commit unless it is reached
    const { stdout } = await git({
      args: ["rev-list", "--max-count=1", "--ignore-missing", commit, "--not", ...from],
      gitDir: layout.mirror(id),
      timeoutMs: TIMEOUT_MS,
    });
    return stdout.trim() === "";
  }

  return {
    async commits(id, objects) {
      if (objects.length === 0) return new Map();
      // git cat-file --batch-check='%(objectname)' prints a line for each object, in the same order
      const { stdout } = await git({
        args: ["cat-file", "--batch-check=%(objectname)"],
        gitDir: layout.mirror(id),
        input: objects.map((object) => `${object}^{commit}\n`).join(""),
        timeoutMs: TIMEOUT_MS,
      });
      const lines = stdout.split("\n");
      const pairs = objects.map((object, index) => [object, lines[index] ?? ""] as const);
      return new Map(pairs.filter(([, line]) => /^[0-9a-f]+$/.test(line)));
    },
    fromRefs: (id, commit) => isReached(id, commit, globs(id)),
    fromCommits: async (id, commit, tips) => tips.length > 0 && isReached(id, commit, tips),
  };
}

/** git reads a glob without `*`, `?` or `[` as a directory, so the last letter is written as a set of one. */
const globOf = (pattern: string): string =>
  pattern.includes("*") ? pattern : `${pattern.slice(0, -1)}[${pattern.slice(-1)}]`;
