import { RefreshError } from "../../base/errors.js";
import type { GitCall, RunGit } from "../run/exec.js";
import { quotedPath, readable, unquoted } from "../run/path-bytes.js";

/**
 * With the filter of git-lfs a pointer is converted before the filter makes the file of it, so that the file is as
 * LFS has it. Here the file itself is in git's tree: its path is exempt from every conversion. The list of such
 * paths is the message of a commit in the content store that has the tree: the bytes of two trees may be the same
 * and their lists not, and what a directory holds names both. The paths are quoted as git prints them.
 */
export const commitOf = (tree: string, paths: string[]): string =>
  [`tree ${tree}`, `author ${NOBODY}`, `committer ${NOBODY}`, "", ...[...paths].sort(), ""].join("\n");

const NOBODY = "Lockstep <lockstep@localhost> 0 +0000";

/** attr.h, ATTR_MAX_LINE_LENGTH: git leaves out what is longer. */
const MAX_LINE_BYTES = 2048;

/** `-working-tree-encoding` is an error to git: convert.c, git_path_check_encoding() */
const UNCONVERTED = "-text -ident !working-tree-encoding";

/** @returns the exempt paths of what was written to a tree; a tree without a commit of ours has none */
export async function verbatimOf(
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
 * For info/attributes: gitattributes(5). As Latin-1, so that each character is a byte.
 * @throws RefreshError `lfs_unsound`
 */
export function exemption(path: string): string {
  const bytes = Buffer.from(inner(path)).toString("latin1");
  // Octal takes four bytes of a line for each of the name's; a `*`, `?`, `[` and `\` would be a pattern.
  const pattern = bytes.replace(/\\([2-3][0-7]{2})|\\\\|\\.|[*?[]/g, (found, octal?: string) => {
    if (octal) return String.fromCharCode(Number.parseInt(octal, 8));
    if (found === "\\\\") return "\\\\\\\\";
    return found.startsWith("\\") ? found : `\\\\${found}`;
  });
  const line = `"/${pattern}" ${UNCONVERTED}`;
  if (line.length < MAX_LINE_BYTES) return line;
  throw new RefreshError("lfs_unsound", `${path} is too long a path for git's attributes: mark it -text`);
}

/** Where a path is once what it is in is at `prefix`, which is not quoted. */
export const quotedBelow = (prefix: string, path: string): string =>
  `"${inner(quotedPath(prefix))}${inner(path)}"`;

/** What is not quoted has nothing in it that would have to be. */
const inner = (path: string): string => (path.startsWith('"') ? path.slice(1, -1) : path);

/** Whether a path that is written the same in both trees is converted in one of them alone. */
export function isConvertedOtherwise(from: string[], to: string[], changed: string[]): boolean {
  const [before, after, written] = [new Set(from), new Set(to), new Set(changed)];
  const differing = [...from.filter((path) => !after.has(path)), ...to.filter((path) => !before.has(path))];
  return differing.some((path) => !written.has(readable(unquoted(path))));
}
