import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { createGit, type RunGit } from "../../src/git/exec.js";
import { createProcesses } from "../../src/git/processes.js";
import { tempDir } from "./temp.js";

export const PATH = process.env.PATH ?? "/usr/bin:/bin";

/** Lockstep's own way to run git, with a run directory of the test's. */
export function realGit(runDir = join(tempDir(), "run")): RunGit {
  return createGit({ binary: "git", path: PATH, processes: createProcesses(runDir) });
}

/** Plain git, to look at what Lockstep did. */
export function plainGit(gitDir: string, ...args: string[]): string {
  return execFileSync("git", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH,
      GIT_DIR: gitDir,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_AUTHOR_NAME: "T",
      GIT_AUTHOR_EMAIL: "t@example.com",
      GIT_COMMITTER_NAME: "T",
      GIT_COMMITTER_EMAIL: "t@example.com",
    },
  }).trim();
}

/** A bare repository with one commit on main. @returns its path and the commit */
export function bareRepository(): { dir: string; commit: string } {
  const dir = join(tempDir(), "repo.git");
  plainGit(dir, "init", "-q", "--bare", "--initial-branch=main");
  const tree = plainGit(dir, "hash-object", "-t", "tree", "-w", "/dev/null");
  const commit = plainGit(dir, "commit-tree", "-m", "one", tree);
  plainGit(dir, "update-ref", "refs/heads/main", commit);
  return { dir, commit };
}
