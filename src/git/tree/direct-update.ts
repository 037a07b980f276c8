import { lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RefreshError } from "../../base/errors.js";
import type { TreeEntry } from "../objects/links.js";
import { createBudget, LeftToGit } from "../objects/object.js";
import { createReadStored, type ReadStored } from "../objects/stored.js";
import { findTreeChanges, type TreeChange } from "../objects/tree-changes.js";
import { type BytePath, below, nulTerminated, readable } from "../run/path-bytes.js";
import { treeDir } from "./place.js";
import { prepareTree, runInTree, type TreeWork } from "./work.js";

export interface DirectUpdate {
  /** How many files differed. */
  changed: number;
  /**
   * Brings the index in step with the files, and compares all of it with the commit.
   * @throws RefreshError `tree_unsound`
   */
  settle(): Promise<void>;
}

/** More files than a usual push changes are git's to write. */
const MAX_FILES = 20;

/** A file that gets another content. */
interface Changed {
  path: BytePath;
  entry: TreeEntry;
  content: Buffer;
}

/**
 * Writes files as `git restore` writes them, without a process: the old one is removed, and a new one made. Only where a
 * few ordinary files change their contents, and no `.gitattributes` could convert them. The files are read back.
 * The index, whose size is that of the whole tree, is left to `settle`.
 * @returns null: nothing has changed
 */
export async function updateDirectly(work: TreeWork, from: string, to: string): Promise<DirectUpdate | null> {
  const { place } = work;
  if ((place.store ?? null) !== null || place.paths.length > 0) return null;
  const dir = treeDir(place);
  const files = await readChanged(join(place.mirror, "objects"), from, to);
  if (files === null || !files.every(({ path }) => isOrdinary(dir, path))) return null;
  for (const file of files) write(dir, file);
  return {
    changed: files.length,
    settle: () =>
      settleIndex(
        work,
        to,
        files.map(({ path }) => path),
      ),
  };
}

/** @returns null: git is to find what differs, or to write it */
async function readChanged(objects: string, from: string, to: string): Promise<Changed[] | null> {
  const readStored = createReadStored(objects, createBudget());
  try {
    const { changes, hasAttributes } = await findTreeChanges(readStored, from, to);
    const below = changes.filter(({ before, after }) => before?.kind !== "tree" || after?.kind !== "tree");
    if (hasAttributes || below.length > MAX_FILES) return null;
    const files: Changed[] = [];
    for (const change of below) {
      const file = await readFile(readStored, change);
      if (file === null) return null;
      files.push(file);
    }
    return files;
  } catch (error) {
    if (error instanceof LeftToGit) return null;
    throw error;
  }
}

/** @returns null: it is not the content of a file that has changed, or that alone */
async function readFile(readStored: ReadStored, change: TreeChange): Promise<Changed | null> {
  const { path, before, after } = change;
  if (after === null || before?.mode !== after.mode || !/^100(?:644|755)$/.test(after.mode)) return null;
  const { type, content } = await readStored(after.id);
  return type === "blob" ? { path, entry: after, content } : null;
}

/** Whether a file is there, below directories, and none of them is a link that somebody has made. */
function isOrdinary(dir: string, path: BytePath): boolean {
  const parts = path.split("/");
  const isDirectory = (_: string, n: number) =>
    lstatSync(below(dir, parts.slice(0, n).join("/")), { throwIfNoEntry: false })?.isDirectory() === true;
  const found = lstatSync(below(dir, path), { throwIfNoEntry: false });
  return parts.every(isDirectory) && found?.isFile() === true;
}

/** @throws Error when the file cannot be written, or is not what was written */
function write(dir: string, { path, entry, content }: Changed): void {
  const isExecutable = entry.mode === "100755";
  const file = below(dir, path);
  rmSync(file);
  // The umask takes the rest, as it does from git's.
  writeFileSync(file, content, { flag: "wx", mode: isExecutable ? 0o777 : 0o666 });
  const isAsWanted = ((lstatSync(file).mode & 0o100) !== 0) === isExecutable;
  if (!isAsWanted || !readFileSync(file).equals(content))
    throw new RefreshError("tree_unsound", `${join(dir, readable(path))} is not what was written`);
}

async function settleIndex(work: TreeWork, commit: string, paths: BytePath[]): Promise<void> {
  await prepareTree(work, [commit]);
  // git update-index --info-only -z --stdin hashes the files as they are, and stores no object
  const input = nulTerminated(paths);
  if (paths.length > 0) await runInTree(work, ["update-index", "--info-only", "-z", "--stdin"], { input });
  // git diff-index --cached: the whole index must be the commit's
  const more = { okCodes: [0, 1] };
  const { code } = await runInTree(work, ["diff-index", "--cached", "--quiet", commit], more);
  if (code !== 0)
    throw new RefreshError("tree_unsound", `${treeDir(work.place)} is not the tree of ${commit}`);
}
