import { rmSync } from "node:fs";
import { join } from "node:path";
import type { GitCall, GitResult, RunGit } from "../run/exec.js";
import { prepareTreeDir } from "./dir.js";
import { indexOf, newIndexOf, type TreePlace, treeDir } from "./place.js";
import { readVerbatimPaths } from "./verbatim.js";

/** One tree, and how git runs on it. */
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
  // Without this setting git treats no existing path as left out, and checks paths in the current directory.
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
 * Prepares the git directory that the tree is written with.
 * @param commits what the tree has, or is to have; the last one is current from now on
 * @returns for each commit the files that are written unconverted
 */
export async function prepareTree(work: TreeWork, commits: string[]): Promise<string[][]> {
  const { git, timeoutMs, place, signal } = work;
  const { base, store, paths } = place;
  const limits = { timeoutMs, ...(signal ? { signal } : {}) };
  const lists = await Promise.all(
    commits.map(async (commit) => (store ? readVerbatimPaths(git, store, commit, limits) : [])),
  );
  prepareTreeDir(base, paths, lists.at(-1)!);
  // One git at a time works on a tree, so an existing lock on its index belongs to a killed git.
  for (const index of [indexOf(place), newIndexOf(place)]) rmSync(`${index}.lock`, { force: true });
  return lists;
}
