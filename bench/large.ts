import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { git } from "./upstream.js";

export interface Large {
  files: number;
  commits: number;
  /** The number of files that each commit changes. */
  changes: number;
}

/** One area has one hundredth of all files. */
export const AREAS = 100;

export const pathOf = (file: number): string =>
  `area-${file % AREAS}/dir-${Math.floor(file / AREAS / 20)}/file-${file}.txt`;

/** Gives an empty repository the history of another one. */
export function lend(from: string, to: string): void {
  writeFileSync(join(to, "objects/info/alternates"), `${join(from, "objects")}\n`);
  git(to, {}, ["update-ref", "refs/heads/main", git(from, {}, ["rev-parse", "main"]).trim()]);
}

/** Makes a repository with a history: files of about 3 KiB that neither compress nor differ too well. */
export function makeLarge(dir: string, { files, commits, changes }: Large): void {
  mkdirSync(dir, { recursive: true });
  git(dir, {}, ["init", "--quiet", "--bare", "--initial-branch=main", "."]);
  const random = randomOf(42);
  const lines = Array.from({ length: files }, () => Array.from({ length: 60 }, () => line(random)));
  const write = (n: number, changed: number[]): string => {
    const parts = [
      `commit refs/heads/main\ncommitter B <b@example.com> ${1_700_000_000 + n} +0000\ndata 1\nx\n`,
    ];
    for (const file of changed) {
      for (let edits = 0; edits < 6; edits++) lines[file]![random() % 60] = line(random);
      const text = lines[file]!.join("");
      parts.push(`M 100644 inline ${pathOf(file)}\ndata ${text.length}\n${text}\n`);
    }
    return parts.join("");
  };
  const stream = [write(0, [...lines.keys()])];
  for (let n = 1; n <= commits; n++)
    stream.push(
      write(
        n,
        Array.from({ length: changes }, () => random() % files),
      ),
    );
  git(dir, {}, ["fast-import", "--quiet"], stream.join(""));
  git(dir, {}, ["repack", "-adq"]);
}

const WORDS = "const return value of the if else function import from string number list map".split(" ");

/** A line is half words and half noise, as in source code. */
const line = (random: () => number): string =>
  `${Array.from({ length: 5 }, () => WORDS[random() % WORDS.length]).join(" ")} ${random().toString(36)}${random().toString(36)}\n`;

/** Returns the same numbers with each run: a linear congruential generator (Numerical Recipes). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
}
