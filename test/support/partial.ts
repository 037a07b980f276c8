import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Repo } from "../../tools/standin/index.js";
import { plainGit } from "./git.js";
import { filesBelow, filesOf } from "./trees.js";

/** Returns the file contents that a mirror has, by the text of the files. */
export function textsIn(mirror: string): string[] {
  const format = "--batch-check=%(objecttype) %(objectname)";
  const lines = plainGit(mirror, "cat-file", format, "--batch-all-objects", "--unordered").split("\n");
  const blobs = lines.flatMap((line) => /^blob (\w+)$/.exec(line)?.[1] ?? []);
  return [...new Set(blobs)].map((blob) => plainGit(mirror, "cat-file", "blob", blob)).sort();
}

/** Expects the published tree to equal upstream's commit at these paths; without paths, all of it. */
export function expectPart(repo: Repo, link: string, sha: string, ...paths: string[]): void {
  const isIn = (line: string) => {
    const path = line.split(" ")[1]!;
    return paths.length === 0 || paths.some((one) => path === one || path.startsWith(`${one}/`));
  };
  expect(filesBelow(realpathSync(link))).toEqual(filesOf(repo.dir, sha).filter(isIn));
}

/** Expects all commits and trees of a partial mirror to be there and intact. */
export function expectComplete(mirror: string): void {
  plainGit(mirror, "rev-list", "--objects", "--filter=blob:none", "--quiet", "--all");
  plainGit(mirror, "cat-file", "--batch-check", "--batch-all-objects");
  expect(readdirSync(join(mirror, "objects/pack")).join(" ")).not.toContain("promisor");
  expect(plainGit(mirror, "config", "--list")).not.toMatch(/promisor|partialclone/i);
}
