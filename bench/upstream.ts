import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { hermeticEnv } from "../tools/standin/git.js";

export interface Upstream {
  /** The directory of a bare repository. */
  dir: string;
  /** Each commit has the requested number of changes, on top of the previous commit. */
  commits: string[];
}

/** Runs git with a directory and further environment. @returns stdout */
export function git(cwd: string, env: Record<string, string>, args: string[], input?: string): string {
  return execFileSync("git", args, {
    cwd,
    input: input ?? "",
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    env: { ...hermeticEnv(), ...env },
  });
}

const FILES_A_DIRECTORY = 50;
const pathOf = (file: number): string => {
  const dir = Math.floor(file / FILES_A_DIRECTORY);
  return `area-${Math.floor(dir / 20)}/dir-${dir}/file-${file}.txt`;
};

/**
 * Makes a repository with this many files of about 2 KiB, and commits that change some of them anywhere in
 * the tree.
 */
export function makeUpstream(dir: string, files: number, changes: number, commits: number): Upstream {
  mkdirSync(dir, { recursive: true });
  git(dir, {}, ["init", "--quiet", "--bare", "--initial-branch=main", "."]);
  const all = Array.from({ length: files }, (_, file) => file);
  const stream = [commit(0, all)];
  for (let n = 1; n <= commits; n++) stream.push(commit(n, pick(files, changes, n)));
  git(dir, {}, ["fast-import", "--quiet"], stream.join(""));
  const names = git(dir, {}, ["rev-list", "--reverse", "main"]).trim().split("\n");
  return { dir, commits: names };
}

/** The picked files are far apart from each other, and differ with each commit. */
const pick = (files: number, count: number, n: number): number[] =>
  Array.from({ length: count }, (_, index) => (n * 7919 + index * Math.floor(files / count)) % files);

function commit(n: number, files: number[]): string {
  const parts = [
    `commit refs/heads/main\ncommitter B <b@example.com> ${1_700_000_000 + n} +0000\ndata 1\nx\n`,
  ];
  for (const file of files) {
    const text = `${file} ${n}\n${`line of file ${file}\n`.repeat(100)}`;
    parts.push(`M 100644 inline ${pathOf(file)}\ndata ${text.length}\n${text}\n`);
  }
  return parts.join("");
}
