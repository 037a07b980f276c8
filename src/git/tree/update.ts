import { isConvertedOtherwise } from "./verbatim.js";
import { verifyTree } from "./verify.js";
import { prepareTree, runInTree, type TreeWork } from "./work.js";

/**
 * With more changed paths than this git compares both trees instead; each path is matched with each entry.
 */
const MAX_PATHS = 200;
/** One argument may have 128 KiB, and each path is one. */
const MAX_PATH_BYTES = 60_000;

/**
 * Turns a tree into that of another commit, writing what differs between the two, and verifies the result.
 * @returns how many files differed; null: the tree has to be rebuilt
 * @throws RefreshError; the tree is then a mixture of both commits
 */
export async function updateTree(work: TreeWork, from: string, to: string): Promise<number | null> {
  const [before = [], after = []] = await prepareTree(work, [from, to]);
  // git diff-tree -r -z --name-only --no-renames <from> <to>
  const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to];
  const changed = (await runInTree(work, args)).stdout.split("\0").filter(Boolean);
  if (isConvertedOtherwise(before, after, changed)) return null;
  if (changed.length === 0) {
    await verifyTree(work, to, []);
    return 0;
  }
  // A changed .gitattributes may change the conversion of unchanged files.
  if (changed.some((path) => /(?:^|\/)\.gitattributes$/.test(path))) return null;
  if (areNameable(changed) && work.place.paths.length === 0) {
    await runInTree(work, restore(to), { input: `${changed.join("\0")}\0` });
    await verifyTree(work, to, changed);
  } else {
    // git read-tree --reset -u <from> <to>
    await runInTree(work, ["read-tree", "--reset", "-u", from, to]);
    await verifyTree(work, to, []);
  }
  return changed.length;
}

/**
 * git restore writes what the paths name, over whatever exists, and keeps the index's cached trees. With
 * read-tree and checkout a change costs as much as the whole tree has directories.
 */
const restore = (commit: string): string[] => [
  "--literal-pathspecs",
  "restore",
  `--source=${commit}`,
  "--staged",
  "--worktree",
  "--no-overlay",
  "--pathspec-from-file=-",
  "--pathspec-file-nul",
];

/**
 * Whether the paths can be named to git restore. A name that is not UTF-8 does not survive reading, and
 * naming `a` would include `a/b` before `a/b` is checked.
 */
function areNameable(paths: string[]): boolean {
  if (paths.length > MAX_PATHS) return false;
  const pathSet = new Set(paths);
  const parents = paths.flatMap((path) => path.split("/").map((_, n, parts) => parts.slice(0, n).join("/")));
  const bytes = paths.reduce((sum, path) => sum + path.length, 0);
  return bytes <= MAX_PATH_BYTES && paths.every(isUtf8) && !parents.some((parent) => pathSet.has(parent));
}

const isUtf8 = (path: string): boolean => !path.includes("\uFFFD");
