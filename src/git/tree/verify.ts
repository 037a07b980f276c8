import { RefreshError } from "../../base/errors.js";
import type { GitResult } from "../run/exec.js";
import { readable, unquoted } from "../run/path-bytes.js";
import { findModifiedFiles } from "./modified-files.js";
import { besideOf, treeDir } from "./place.js";
import { runInTree, type TreeWork } from "./work.js";

/** Files that an error names. */
const NAMED = 3;

/**
 * Compares a tree with the commit that it was just made of.
 * @param paths whose files are looked at; none: every file
 * @throws RefreshError `tree_unsound`
 */
export async function verifyTree(work: TreeWork, commit: string, paths: string[]): Promise<void> {
  const more = { okCodes: [0, 1] };
  const [index, files] = await Promise.all([
    // git diff-index --cached: the whole index is the commit's
    runInTree(work, ["diff-index", "--cached", "--quiet", commit], more),
    // git diff-files: the files are the index's; it compares what is as new as the index byte by byte
    runInTree(work, ["--literal-pathspecs", "diff-files", "--quiet", "--", ...paths], more),
  ]);
  const isClean = files.code === 0 && unseenIn(files).length === 0;
  const wrong = isClean ? [] : await findChangedFiles(work, paths);
  if (index.code === 0 && wrong.length === 0) return;
  const where = wrong.length === 0 ? "" : `, at ${wrong.slice(0, NAMED).join(", ")}`;
  throw new RefreshError("tree_unsound", `${treeDir(work.place)} is not the tree of ${commit}${where}`);
}

/** @returns the files that are not the index's, and what git says of those that it may not look at */
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
  return [...modified.map(readable), ...unseenIn(result)];
}

/** git goes past what it may not look at, and calls that no difference. */
const unseenIn = ({ stderr }: GitResult): string[] =>
  stderr.split("\n").filter((line) => line.includes("Permission denied"));
