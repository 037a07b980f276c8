import { RefreshError } from "../../base/errors.js";
import type { GitCall, RunGit } from "../run/exec.js";
import { quotedPath, readable, unquoted } from "../run/path-bytes.js";

/**
 * With git-lfs a pointer is converted before the filter makes the file from it, so the file is as LFS has it.
 * Here the file itself is in git's tree, so its path is exempt from every conversion.
 * The list of such paths is the message of a commit in the content store that has the tree. Two trees may
 * have the same bytes and different lists, and the commit names both. The paths are quoted as git prints
 * them.
 */
export const commitOf = (tree: string, paths: string[]): string =>
  [`tree ${tree}`, `author ${AUTHOR}`, `committer ${AUTHOR}`, "", ...[...paths].sort(), ""].join("\n");

const AUTHOR = "Lockstep <lockstep@localhost> 0 +0000";

/** attr.h, ATTR_MAX_LINE_LENGTH: git ignores longer lines. */
const MAX_LINE_BYTES = 2048;

/** git rejects `-working-tree-encoding` as an error: convert.c, git_path_check_encoding() */
const UNCONVERTED = "-text -ident !working-tree-encoding";

/** @returns the exempt paths of what was written to a tree; none for a tree without a commit of Lockstep's */
export async function readVerbatimPaths(
  git: RunGit,
  store: string,
  written: string,
  limits: Pick<GitCall, "timeoutMs" | "signal">,
): Promise<string[]> {
  // git cat-file --batch
  const call = { ...limits, gitDir: store, args: ["cat-file", "--batch"], input: `${written}\n` };
  const { stdout } = await git(call);
  if (!/^[\da-f]+ commit /.test(stdout)) return [];
  return stdout
    .slice(stdout.indexOf("\n\n") + 2)
    .split("\n")
    .filter(Boolean);
}

/**
 * Writes a line of info/attributes: gitattributes(5). The line is Latin-1, so that each character is a byte.
 * @throws RefreshError `lfs_unsound`
 */
export function exemption(path: string): string {
  const bytes = Buffer.from(inner(path)).toString("latin1");
  // Octal takes four bytes of a line for each byte of the name; a `*`, `?`, `[` and `\` would be a pattern.
  const pattern = bytes.replace(/\\([2-3][0-7]{2})|\\\\|\\.|[*?[]/g, (found, octal?: string) => {
    if (octal) return String.fromCharCode(Number.parseInt(octal, 8));
    if (found === "\\\\") return "\\\\\\\\";
    return found.startsWith("\\") ? found : `\\\\${found}`;
  });
  const line = `"/${pattern}" ${UNCONVERTED}`;
  if (line.length < MAX_LINE_BYTES) return line;
  throw new RefreshError("lfs_unsound", `${path} is too long a path for git's attributes: mark it -text`);
}

/** Returns the path below `prefix`, which is not quoted. */
export const quotedBelow = (prefix: string, path: string): string =>
  `"${inner(quotedPath(prefix))}${inner(path)}"`;

/** An unquoted path contains nothing that must be quoted. */
const inner = (path: string): string => (path.startsWith('"') ? path.slice(1, -1) : path);

/** Whether a path that is written the same in both trees is converted in only one of them. */
export function isConvertedOtherwise(from: string[], to: string[], changed: string[]): boolean {
  const [before, after, written] = [new Set(from), new Set(to), new Set(changed)];
  const differing = [...from.filter((path) => !after.has(path)), ...to.filter((path) => !before.has(path))];
  return differing.some((path) => !written.has(readable(unquoted(path))));
}
