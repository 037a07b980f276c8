import { RefreshError } from "../../base/errors.js";
import type { GitResult } from "../run/exec.js";
import { readable, unquoted } from "../run/path-bytes.js";
import { findModifiedFiles } from "./modified-files.js";
import { besideOf, treeDir } from "./place.js";
import { runInTree, type TreeWork } from "./work.js";

/** The number of files that an error names. */
const NAMED = 3;

/**
 * Compares a tree with the commit that it was just made of.
 * @param paths whose files are compared; none: every file
 * @throws RefreshError `tree_unsound`
 */
export async function verifyTree(work: TreeWork, commit: string, paths: string[]): Promise<void> {
  const more = { okCodes: [0, 1] };
  const [index, files] = await Promise.all([
    // git diff-index --cached: the whole index must be the commit's
    runInTree(work, ["diff-index", "--cached", "--quiet", commit], more),
    // git diff-files: the files must be the index's; git compares files as new as the index byte by byte
    runInTree(work, ["--literal-pathspecs", "diff-files", "--quiet", "--", ...paths], more),
  ]);
  const isClean = files.code === 0 && findUnreadable(files).length === 0;
  const wrong = isClean ? [] : await findChangedFiles(work, paths);
  if (index.code === 0 && wrong.length === 0) return;
  const where = wrong.length === 0 ? "" : `, at ${wrong.slice(0, NAMED).join(", ")}`;
  throw new RefreshError("tree_unsound", `${treeDir(work.place)} is not the tree of ${commit}${where}`);
}

/** @returns the files that are not the index's, and git's messages about files that it may not read */
export async function findChangedFiles(work: TreeWork, paths: string[]): Promise<string[]> {
  const args = ["--literal-pathspecs", "diff-files", "--name-only", "--", ...paths];
  const result = await runInTree(work, args);
  const suspects = result.stdout.split("\n").filter(Boolean).map(unquoted);
  const modified = await findModifiedFiles(
    (more, input) => runInTree(work, more, { input }),
    treeDir(work.place),
    besideOf(work.place),
    suspects,
  );
  return [...modified.map(readable), ...findUnreadable(result)];
}

/** git skips files that it may not read, and reports no difference. */
const findUnreadable = ({ stderr }: GitResult): string[] =>
  stderr.split("\n").filter((line) => line.includes("Permission denied"));
