import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "../../tools/standin/git.js";
import type { Way } from "../way.js";

interface Ports {
  git: Git;
  url: string;
  /** Options of git with which it reads the upstream. */
  remote: string[];
  env: NodeJS.ProcessEnv;
}

/**
 * Returns the way of kubernetes/git-sync 4: its git commands, in their order, up to the symbolic link that it flips. How
 * long it sleeps before it looks again (10 s by default) is not counted. It has one branch, without history.
 * https://github.com/kubernetes/git-sync/blob/master/main.go (SyncRepo)
 */
export async function gitSyncSteps(dir: string, { git, url, remote, env }: Ports): Promise<Way> {
  const root = join(dir, "git-sync");
  await mkdir(root, { recursive: true });
  const run = (args: string[], at = root) => git.run(at, args, { env });
  await run(["init", "--quiet"]);
  let previous: string | null = null;
  return {
    name: "git-sync's commands",
    async bring({ ref, after }) {
      const began = performance.now();
      const flags = ["--verbose", "--no-progress", "--prune", "--no-auto-gc", "--depth", "1"];
      await run([...remote, "fetch", url, ref, ...flags]);
      await run(["rev-parse", "FETCH_HEAD^{}"]);
      await run(["reset", "--soft", after]);
      const worktree = join(root, ".worktrees", after);
      await run(["worktree", "add", "--force", "--detach", worktree, after, "--no-checkout"]);
      await run(["reset", "--hard", after, "--"], worktree);
      await symlink(worktree, join(root, "next"));
      await rename(join(root, "next"), join(root, "current"));
      const took = performance.now() - began;
      if (previous) await rm(previous, { recursive: true });
      await run(["worktree", "prune"]);
      previous = worktree;
      return took;
    },
  };
}
