import { rmSync } from "node:fs";
import { join } from "node:path";
import type { GitCall, GitResult, RunGit } from "../run/exec.js";
import { prepareTreeDir } from "./dir.js";
import { indexOf, newIndexOf, type TreePlace, treeDir } from "./place.js";
import { verbatimOf } from "./verbatim.js";

/** One tree, and what git is run with on it. */
export interface TreeWork {
  git: RunGit;
  timeoutMs: number;
  place: TreePlace;
  signal: AbortSignal | undefined;
}

const CONFIG = {
  "index.version": "4",
  "core.bare": "false",
  "core.fileMode": "true",
  "core.symlinks": "true",
  "core.autocrlf": "false",
  "submodule.recurse": "false",
};

const SPARSE = {
  "core.sparseCheckout": "true",
  "core.sparseCheckoutCone": "false",
  // Else git takes no path as left out that it finds to be there, and where it looks is the current directory.
  "sparse.expectFilesOutsideOfPatterns": "true",
};

/** Runs git in the tree, with its index. @throws GitFailure */
export function runInTree(work: TreeWork, args: string[], more: Partial<GitCall> = {}): Promise<GitResult> {
  const { git, timeoutMs, place, signal } = work;
  return git({
    args,
    gitDir: join(place.base, "git"),
    objectDir: join(place.mirror, "objects"),
    ...(place.store ? { alternate: join(place.store, "objects") } : {}),
    workTree: { dir: treeDir(place), index: indexOf(place) },
    config: { ...CONFIG, ...(place.paths.length > 0 ? SPARSE : {}) },
    timeoutMs,
    ...(signal ? { signal } : {}),
    ...more,
  });
}

/**
 * Makes ready the git directory that the tree is written with.
 * @param commits what the tree has, or is to have, the last one from now on
 * @returns for each commit the files that are written as they are
 */
export async function prepareTree(work: TreeWork, commits: string[]): Promise<string[][]> {
  const { git, timeoutMs, place, signal } = work;
  const { base, store, paths } = place;
  const limits = { timeoutMs, ...(signal ? { signal } : {}) };
  const lists = await Promise.all(
    commits.map(async (commit) => (store ? verbatimOf(git, store, commit, limits) : [])),
  );
  prepareTreeDir(base, paths, lists.at(-1)!);
  // One git at a time works on a tree: whoever held a lock on its index was killed.
  for (const index of [indexOf(place), newIndexOf(place)]) rmSync(`${index}.lock`, { force: true });
  return lists;
}
