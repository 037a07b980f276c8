import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGit, type RunGit } from "../../src/git/run/exec.js";
import { createStreamGit, type StreamGit } from "../../src/git/run/stream.js";
import { createProcesses } from "../../src/machine/processes.js";
import { tempDir } from "./temp.js";

export const PATH = process.env.PATH ?? "/usr/bin:/bin";

/** Lockstep's own way to run git, with a run directory for the test. */
export function realGit(runDir = join(tempDir(), "run")): RunGit {
  return createGit({ binary: "git", path: PATH, processes: createProcesses(runDir) });
}

/** Lockstep's own way to run git and read its output meanwhile. */
export const streamingGit = (): StreamGit =>
  createStreamGit({ binary: "git", path: PATH, processes: createProcesses(join(tempDir(), "run")) });

/** Runs plain git, to inspect what Lockstep did. */
export const plainGit = (gitDir: string, ...args: string[]): string => plainGitWith({}, gitDir, ...args);

export function plainGitWith(env: Record<string, string>, gitDir: string, ...args: string[]): string {
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
      ...env,
    },
  }).trim();
}

/** Creates a bare repository with one commit on main. @returns its path and the commit */
export function bareRepository(): { dir: string; commit: string } {
  const dir = join(tempDir(), "repo.git");
  plainGit(dir, "init", "-q", "--bare", "--initial-branch=main");
  const tree = plainGit(dir, "hash-object", "-t", "tree", "-w", "/dev/null");
  const commit = plainGit(dir, "commit-tree", "-m", "one", tree);
  plainGit(dir, "update-ref", "refs/heads/main", commit);
  return { dir, commit };
}

let content = 0;

/** Adds commits to a branch, each with one new file; all objects are loose. @returns the last commit */
export function commits(dir: string, branch: string, count: number): string {
  const one = () => {
    const line = `${branch} ${content++}\n`;
    const data = `data ${line.length}\n${line}`;
    const who = `committer T <t@example.com> ${1_700_000_000 + content} +0000\n`;
    return `commit refs/heads/${branch}\n${who}${data}M 100644 inline file-${content}\n${data}\n`;
  };
  const input = Array.from({ length: count }, one).join("");
  const args = ["-c", "fastimport.unpackLimit=1000000", "fast-import", "--quiet"];
  execFileSync("git", args, { input, env: { PATH, GIT_DIR: dir } });
  return plainGit(dir, "rev-parse", `refs/heads/${branch}`);
}

/**
 * The real git, except that one command never ends, nor does the child that it starts.
 * @returns the program, and the pid of the child once it has started
 */
export function stuckGit(command: string): { binary: string; begun(): Promise<number> } {
  const dir = tempDir();
  const binary = join(dir, "git");
  const mark = join(dir, "begun");
  const wait = `[ "$1" = ${command} ] && { sleep 600 & echo $! > ${mark}.new; mv ${mark}.new ${mark}; wait; }`;
  writeFileSync(binary, `#!/bin/sh\n${wait}\nexec git "$@"\n`, { mode: 0o755 });
  return {
    binary,
    async begun() {
      const watcher = watch(dir);
      while (!existsSync(mark)) await once(watcher, "change");
      watcher.close();
      return Number(readFileSync(mark, "utf8"));
    },
  };
}

export const objectsOf = (dir: string): string[] =>
  plainGit(dir, "cat-file", "--batch-check=%(objectname)", "--batch-all-objects").split("\n");

/** Returns the path of a loose object. */
export const looseFile = (dir: string, sha: string): string =>
  join(dir, "objects", sha.slice(0, 2), sha.slice(2));

export function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
