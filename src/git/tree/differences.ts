import { renameSync, rmSync } from "node:fs";
import { type BytePath, readable } from "../run/path-bytes.js";
import { besideOf, indexOf, newIndexOf, treeDir } from "./place.js";
import { findChangedFiles } from "./verify.js";
import { entriesOf, findUnexpectedIn } from "./walk.js";
import { prepareTree, runInTree, type TreeWork } from "./work.js";

/**
 * Compares a tree with a commit, however long ago the tree was made.
 * @returns the files that are not the commit's, or that the tree lacks
 */
export async function findDifferences(work: TreeWork, commit: string): Promise<string[]> {
  await prepareTree(work, [commit]);
  return compare(work, commit);
}

/** Compares a tree with a commit by the files' content and not by their times alone. */
export async function findDifferencesInContent(work: TreeWork, commit: string): Promise<string[]> {
  await prepareTree(work, [commit]);
  // Without the index it is unknown which files were left out on purpose.
  if (work.place.paths.length > 0) return ["some of its files may not have reached the disk"];
  await forgetTimes(work, commit);
  return compare(work, commit);
}

/**
 * Writes an index without the files' times, so that every file is read. The old index stays until the new one
 * is whole.
 */
async function forgetTimes(work: TreeWork, commit: string): Promise<void> {
  const { place } = work;
  const index = newIndexOf(place);
  rmSync(index, { force: true });
  await runInTree(work, ["read-tree", "-m", commit], { workTree: { dir: treeDir(place), index } });
  renameSync(index, indexOf(place));
}

async function compare(work: TreeWork, commit: string): Promise<string[]> {
  // Unreadable files are found first, since git cannot read them.
  const strange = await findUnexpected(work);
  if (strange.length > 0) return strange.map((path) => `${readable(path)}: differs from the commit`);
  // git update-index -q --refresh: what follows reads only files with changed times
  await runInTree(work, ["update-index", "-q", "--refresh"], { okCodes: [0, 1] });
  const changed = await findChangedFiles(work, []);
  const index = await runInTree(work, ["diff-index", "--cached", "--quiet", commit], { okCodes: [0, 1] });
  const wrong = index.code === 0 ? [] : ["the index"];
  return [...wrong, ...changed.map((path) => `${path}: needs update`)];
}

/** Finds paths that are not the commit's, or not as git makes them. */
async function findUnexpected(work: TreeWork): Promise<BytePath[]> {
  // git ls-files -t -s: S marks files that were left out
  const { stdout } = await runInTree(work, ["ls-files", "-t", "-s"]);
  const { place, signal } = work;
  return findUnexpectedIn(treeDir(place), entriesOf(stdout.split("\n")), besideOf(place), signal);
}
