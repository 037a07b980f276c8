import type { RunGit } from "../../run/exec.js";
import type { Source } from "../gitmodules.js";
import { isAttributes, withAttributes } from "./attributes.js";

/** A file of a tree. Its path is quoted as git does. */
export interface Entry {
  path: string;
  mode: string;
  sha: string;
}

/** The tree to scan, and how git runs on it. */
export interface TreeQuery {
  git: RunGit;
  from: Source;
  tree: string;
  /** Only these, and what is below them; none: all. */
  paths: string[];
}

/** @returns every file, and every .gitattributes as git ls-tree prints it */
export async function listEntries(query: TreeQuery): Promise<{ entries: Entry[]; attributes: string[] }> {
  const { git, from, tree, paths } = query;
  // git --literal-pathspecs ls-tree -r <tree> -- <path>…
  const args = ["--literal-pathspecs", "ls-tree", "-r", tree, "--", ...withAttributes(paths)];
  const { stdout } = await git({ ...from, args });
  const lines = stdout.split("\n").filter(Boolean);
  const entries = lines.map((line) => {
    const [mode = "", , sha = ""] = line.split(/[ \t]/);
    return { mode, sha, path: line.slice(line.indexOf("\t") + 1) };
  });
  const attributes = lines.filter((_, n) => isAttributes(entries[n]!.path) && isFile(entries[n]!));
  return { entries: entries.filter(isFile), attributes };
}

/**
 * @returns the files that differ from the tree `before`, and every path that differs; null: a .gitattributes
 * has changed, so any file may have become or stopped being a file of LFS
 */
export async function listChangedEntries(
  query: TreeQuery,
  before: string,
): Promise<{ entries: Entry[]; changed: Set<string> } | null> {
  const { git, from, tree, paths } = query;
  // git --literal-pathspecs diff-tree -r --no-renames <old> <new> -- <path>…; -r lists submodules as 160000
  const options = ["--literal-pathspecs", "diff-tree", "-r", "--no-renames"];
  const args = [...options, before, tree, "--", ...withAttributes(paths)];
  const { stdout } = await git({ ...from, args });
  const lines = stdout.split("\n").flatMap((line) => {
    const [, mode, sha, path] = /^:\d+ (\d+) [\da-f]+ ([\da-f]+) \w\t(.+)$/.exec(line) ?? [];
    return mode && sha && path ? [{ mode, sha, path }] : [];
  });
  if (lines.some(({ path }) => isAttributes(path))) return null;
  return { entries: lines.filter(isFile), changed: new Set(lines.map(({ path }) => path)) };
}

const isFile = ({ mode }: Entry): boolean => mode === "100644" || mode === "100755";
