import { closeSync, constants, lstatSync, openSync, readlinkSync, readSync, rmSync } from "node:fs";
import { isForbidden } from "../disk/permissions.js";
import type { GitResult } from "../run/exec.js";
import { type BytePath, below, nulTerminated } from "../run/path-bytes.js";

/** Runs git in the tree, with its index. */
type RunInTree = (args: string[], input: Buffer) => Promise<GitResult>;

const PIECE = 1024 * 1024;

/**
 * Finds files that differ from what git writes. git asks whether committing a file would change it, and a
 * file with CRLF that is to be `text` always changes, however freshly checked out (gitattributes(5)). So each
 * file that git calls modified is written once more, elsewhere, and compared.
 * @returns the paths whose files are not what git writes
 */
export async function findModifiedFiles(
  run: RunInTree,
  tree: string,
  beside: string,
  paths: BytePath[],
): Promise<BytePath[]> {
  if (paths.length === 0) return [];
  rmSync(beside, { recursive: true, force: true });
  try {
    // git checkout-index --force -z --stdin --prefix=<directory>/
    const args = ["checkout-index", "--force", "--quiet", "-z", "--stdin", `--prefix=${beside}/`];
    await run(args, nulTerminated(paths));
    return paths.filter((path) => !isSame(below(tree, path), below(beside, path)));
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

function isSame(one: Buffer, other: Buffer): boolean {
  const a = lstatSync(one, { throwIfNoEntry: false });
  const b = lstatSync(other, { throwIfNoEntry: false });
  if (!a || !b || a.isDirectory() || (a.mode & 0o170100) !== (b.mode & 0o170100)) return false;
  if (a.isSymbolicLink()) return readlinkSync(one, "latin1") === readlinkSync(other, "latin1");
  if (!a.isFile() || a.size !== b.size || isForbidden(one, constants.R_OK)) return false;
  return hasSameBytes(one, other);
}

function hasSameBytes(one: Buffer, other: Buffer): boolean {
  const files = [openSync(one, "r"), openSync(other, "r")] as const;
  const pieces = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)] as const;
  try {
    for (;;) {
      const [a, b] = files.map((file, n) => readSync(file, pieces[n]!));
      if (a !== b || !pieces[0].subarray(0, a).equals(pieces[1].subarray(0, b))) return false;
      if (a === 0) return true;
    }
  } finally {
    for (const file of files) closeSync(file);
  }
}
