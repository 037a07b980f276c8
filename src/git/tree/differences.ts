import { renameSync, rmSync } from "node:fs";
import { type BytePath, readable } from "../run/path-bytes.js";
import { besideOf, indexOf, newIndexOf, treeDir } from "./place.js";
import { findChangedFiles } from "./verify.js";
import { entriesOf, strangeIn } from "./walk.js";
import { prepareTree, runInTree, type TreeWork } from "./work.js";

/**
 * Compares a tree with a commit, however long ago it was made of it.
 * @returns the files that are not the commit's, or that it does not have
 */
export async function findDifferences(work: TreeWork, commit: string): Promise<string[]> {
  await prepareTree(work, [commit]);
  return compare(work, commit);
}

/** The same, by the files' content and not by their times alone. */
export async function findDifferencesInContent(work: TreeWork, commit: string): Promise<string[]> {
  await prepareTree(work, [commit]);
  // Without the index nothing tells which files were left out on purpose.
  if (work.place.paths.length > 0) return ["some of its files may not have reached the disk"];
  await forgetTimes(work, commit);
  return compare(work, commit);
}

/** An index without the files' times: every file is read. The old one is there until it is whole. */
async function forgetTimes(work: TreeWork, commit: string): Promise<void> {
  const { place } = work;
  const index = newIndexOf(place);
  rmSync(index, { force: true });
  await runInTree(work, ["read-tree", "-m", commit], { workTree: { dir: treeDir(place), index } });
  renameSync(index, indexOf(place));
}

async function compare(work: TreeWork, commit: string): Promise<string[]> {
  // First, since git cannot look into what nobody may read.
  const strange = await findStrange(work);
  if (strange.length > 0) return strange.map((path) => `${readable(path)}: differs from the commit`);
  // git update-index -q --refresh: only files of other times are read by what follows
  await runInTree(work, ["update-index", "-q", "--refresh"], { okCodes: [0, 1] });
  const changed = await findChangedFiles(work, []);
  const index = await runInTree(work, ["diff-index", "--cached", "--quiet", commit], { okCodes: [0, 1] });
  const wrong = index.code === 0 ? [] : ["the index"];
  return [...wrong, ...changed.map((path) => `${path}: needs update`)];
}

/** What is there and is not the commit's, or not as git makes it. */
async function findStrange(work: TreeWork): Promise<BytePath[]> {
  // git ls-files -t -s: S are those left out
  const { stdout } = await runInTree(work, ["ls-files", "-t", "-s"]);
  return strangeIn(treeDir(work.place), entriesOf(stdout.split("\n")), besideOf(work.place));
}
