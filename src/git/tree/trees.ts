import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RefreshError } from "../../base/errors.js";
import { deleteAll } from "../disk/permissions.js";
import type { GitCall, GitResult, RunGit } from "../run/exec.js";
import { type BytePath, readable, unquoted } from "../run/path-bytes.js";
import { prepareTreeDir } from "./dir.js";
import { unlikeWrittenAnew } from "./modified-files.js";
import { isConvertedOtherwise, verbatimOf } from "./verbatim.js";
import { entriesOf, strangeIn } from "./walk.js";

/** One of the working trees that a checkout is published from. */
export interface TreePlace {
  /** Where all trees of the checkout are. */
  base: string;
  n: number;
  mirror: string;
  /** Of objects that the mirror does not have. */
  store?: string | null;
  /** Only these files and directories; empty: all of them. */
  paths: readonly string[];
}

export interface Trees {
  /** Writes the whole tree anew, and verifies all of it. */
  build(place: TreePlace, commit: string, signal?: AbortSignal): Promise<void>;
  /**
   * Turns a tree into that of another commit, writing what differs between the two, and verifies that.
   * @returns how many files differed; null: it has to be built anew
   * @throws RefreshError; what is there then is a mixture
   */
  update(place: TreePlace, from: string, to: string, signal?: AbortSignal): Promise<number | null>;
  /** Files that are not the commit's, or that it does not have, and how many. @param content not by their times alone */
  differences(place: TreePlace, commit: string, content?: boolean): Promise<string[]>;
}

/** Where the tree that readers see is. */
export const treeDir = ({ base, n }: Pick<TreePlace, "base" | "n">): string => join(base, String(n));

/** More changed paths than this and git compares both trees instead; each path is matched with each entry. */
const MAX_PATHS = 200;
/** A line of arguments may have 128 KiB in all, and each path is one. */
const MAX_PATH_BYTES = 60_000;

const CONFIG = {
  "index.version": "4",
  "core.bare": "false",
  "core.fileMode": "true",
  "core.symlinks": "true",
  "core.autocrlf": "false",
  "submodule.recurse": "false",
};

const SPARSE = {
  "core.sparseCheckout": "true",
  "core.sparseCheckoutCone": "false",
  // Else git takes no path as left out that it finds to be there, and where it looks is the current directory.
  "sparse.expectFilesOutsideOfPatterns": "true",
};

/** Files that an error names. */
const NAMED = 3;

export function createTrees({ git, timeoutMs }: { git: RunGit; timeoutMs: number }): Trees {
  function run(place: TreePlace, args: string[], more: Partial<GitCall> = {}) {
    return git({
      args,
      gitDir: join(place.base, "git"),
      objectDir: join(place.mirror, "objects"),
      ...(place.store ? { alternate: join(place.store, "objects") } : {}),
      workTree: { dir: treeDir(place), index: indexOf(place) },
      config: { ...CONFIG, ...(place.paths.length > 0 ? SPARSE : {}) },
      timeoutMs,
      ...more,
    });
  }

  /** @param commits what the tree has, or is to have, the last one from now on */
  async function prepare(place: TreePlace, commits: string[], signal?: AbortSignal): Promise<string[][]> {
    const { base, n, store, paths } = place;
    const limits = { timeoutMs, ...(signal ? { signal } : {}) };
    const lists = await Promise.all(
      commits.map(async (commit) => (store ? verbatimOf(git, store, commit, limits) : [])),
    );
    prepareTreeDir(base, paths, lists.at(-1)!);
    // One git at a time works on a tree: whoever held a lock on its index was killed.
    for (const index of [`${n}.index`, `${n}.index.anew`])
      rmSync(join(base, `${index}.lock`), { force: true });
    return lists;
  }

  async function build(place: TreePlace, commit: string, signal?: AbortSignal): Promise<void> {
    await prepare(place, [commit], signal);
    await deleteAll(treeDir(place));
    rmSync(indexOf(place), { force: true });
    mkdirSync(treeDir(place), { recursive: true, mode: 0o750 });
    // git read-tree -m -u <commit>, with an index that is empty
    await run(place, ["read-tree", "-m", "-u", commit], signal ? { signal } : {});
    await verify(place, commit, [], signal);
  }

  async function update(place: TreePlace, from: string, to: string, signal?: AbortSignal) {
    const [before = [], after = []] = await prepare(place, [from, to], signal);
    const { stdout } = await run(
      place,
      ["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to],
      signal ? { signal } : {},
    );
    const changed = stdout.split("\0").filter(Boolean);
    if (isConvertedOtherwise(before, after, changed)) return null;
    if (changed.length === 0) {
      await verify(place, to, [], signal);
      return 0;
    }
    // Files that have not changed are to be converted otherwise.
    if (changed.some((path) => /(?:^|\/)\.gitattributes$/.test(path))) return null;
    const few = areNameable(changed) && place.paths.length === 0;
    await run(place, few ? restore(to) : ["read-tree", "--reset", "-u", from, to], {
      ...(few ? { input: `${changed.join("\0")}\0` } : {}),
      ...(signal ? { signal } : {}),
    });
    await verify(place, to, few ? changed : [], signal);
    return changed.length;
  }

  /** @param paths whose files are looked at; none: every file */
  async function verify(
    place: TreePlace,
    commit: string,
    paths: string[],
    signal?: AbortSignal,
  ): Promise<void> {
    const more = { okCodes: [0, 1], ...(signal ? { signal } : {}) };
    const [index, files] = await Promise.all([
      // git diff-index --cached: the whole index is the commit's
      run(place, ["diff-index", "--cached", "--quiet", commit], more),
      // git diff-files: the files are the index's; it compares what is as new as the index byte by byte
      run(place, ["--literal-pathspecs", "diff-files", "--quiet", "--", ...paths], more),
    ]);
    const wrong = files.code === 0 && unseen(files).length === 0 ? [] : await changes(place, paths, signal);
    if (index.code === 0 && wrong.length === 0) return;
    const where = wrong.length === 0 ? "" : `, at ${wrong.slice(0, NAMED).join(", ")}`;
    throw new RefreshError("tree_unsound", `${treeDir(place)} is not the tree of ${commit}${where}`);
  }

  async function changes(place: TreePlace, paths: string[], signal?: AbortSignal): Promise<string[]> {
    const args = ["--literal-pathspecs", "diff-files", "--name-only", "--", ...paths];
    const result = await run(place, args, signal ? { signal } : {});
    const modified = result.stdout.split("\n").filter(Boolean).map(unquoted);
    return [...(await unlike(place, modified, signal)).map(readable), ...unseen(result)];
  }

  const unlike = (place: TreePlace, paths: BytePath[], signal?: AbortSignal): Promise<BytePath[]> =>
    unlikeWrittenAnew(
      (args, input) => run(place, args, { input, ...(signal ? { signal } : {}) }),
      ...([treeDir(place), besideOf(place), paths] as const),
    );

  /** What is there and is not the commit's, or not as git makes it. */
  async function strange(place: TreePlace): Promise<BytePath[]> {
    // git ls-files -t -s: S are those left out
    const { stdout } = await run(place, ["ls-files", "-t", "-s"]);
    return strangeIn(treeDir(place), entriesOf(stdout.split("\n")), besideOf(place));
  }

  async function differences(place: TreePlace, commit: string, content = false): Promise<string[]> {
    await prepare(place, [commit]);
    // Without the index nothing tells which files were left out on purpose.
    if (content && place.paths.length > 0) return ["its files may not all have reached the disk"];
    if (content) {
      // An index without the files' times: every file is read. The old one is there until it is whole.
      const index = join(place.base, `${place.n}.index.anew`);
      rmSync(index, { force: true });
      await run(place, ["read-tree", "-m", commit], { workTree: { dir: treeDir(place), index } });
      renameSync(index, indexOf(place));
    }
    // First, since git cannot look into what nobody may read.
    const strangers = await strange(place);
    if (strangers.length > 0) return strangers.map((path) => `${readable(path)}: not as the commit has it`);
    // git update-index -q --refresh: only files of other times are read by what follows
    await run(place, ["update-index", "-q", "--refresh"], { okCodes: [0, 1] });
    const changed = await changes(place, []);
    const index = await run(place, ["diff-index", "--cached", "--quiet", commit], { okCodes: [0, 1] });
    const wrong = index.code === 0 ? [] : ["the index"];
    return [...wrong, ...changed.map((path) => `${path}: needs update`)];
  }

  return { build, update, differences };
}

/**
 * git restore writes what the paths name, over whatever is there, and keeps the index's cached trees; to
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
 * Whether the paths can be named to git restore. A name that is not UTF-8 does not survive being read, and
 * `a` takes `a/b` with it before that is looked for.
 */
function areNameable(paths: string[]): boolean {
  if (paths.length > MAX_PATHS) return false;
  const named = new Set(paths);
  const parents = paths.flatMap((path) => path.split("/").map((_, n, parts) => parts.slice(0, n).join("/")));
  const bytes = paths.reduce((sum, path) => sum + path.length, 0);
  return bytes <= MAX_PATH_BYTES && paths.every(isUtf8) && !parents.some((parent) => named.has(parent));
}

/** git goes past what it may not look at, and calls that no difference. */
const unseen = ({ stderr }: GitResult): string[] =>
  stderr.split("\n").filter((line) => line.includes("Permission denied"));

const isUtf8 = (path: string): boolean => !path.includes("\uFFFD");

/** A place for a moment; what a killed process leaves there is cleared. */
const besideOf = ({ base, n }: TreePlace): string => join(base, `${n}.anew`);

export const indexOf = ({ base, n }: Pick<TreePlace, "base" | "n">): string => join(base, `${n}.index`);
