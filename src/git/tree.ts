import { constants, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RefreshError } from "../errors.js";
import type { GitCall, GitResult, RunGit } from "./exec.js";
import { deleteAll, isForbidden } from "./permissions.js";
import { prepareTreeDir } from "./tree-dir.js";
import { unlikeWrittenAnew } from "./written-anew.js";

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

export function createTrees({ git, timeoutMs }: { git: RunGit; timeoutMs: number }): Trees {
  function run(place: TreePlace, args: string[], more: Partial<GitCall> = {}) {
    const sparse = { "core.sparseCheckout": "true", "core.sparseCheckoutCone": "false" };
    return git({
      args,
      gitDir: join(place.base, "git"),
      objectDir: join(place.mirror, "objects"),
      ...(place.store ? { alternate: join(place.store, "objects") } : {}),
      workTree: { dir: treeDir(place), index: indexOf(place) },
      config: { ...CONFIG, ...(place.paths.length > 0 ? sparse : {}) },
      timeoutMs,
      ...more,
    });
  }

  function prepare(place: TreePlace): void {
    prepareTreeDir(place.base, place.paths);
    // One git at a time works on a tree: whoever held a lock on its index was killed.
    const { base, n } = place;
    for (const index of [`${n}.index`, `${n}.index.anew`])
      rmSync(join(base, `${index}.lock`), { force: true });
  }

  async function build(place: TreePlace, commit: string, signal?: AbortSignal): Promise<void> {
    prepare(place);
    await deleteAll(treeDir(place));
    rmSync(indexOf(place), { force: true });
    mkdirSync(treeDir(place), { recursive: true, mode: 0o750 });
    // git read-tree -m -u <commit>, with an index that is empty
    await run(place, ["read-tree", "-m", "-u", commit], signal ? { signal } : {});
    await verify(place, commit, [], signal);
  }

  async function update(place: TreePlace, from: string, to: string, signal?: AbortSignal) {
    prepare(place);
    const { stdout } = await run(
      place,
      ["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to],
      signal ? { signal } : {},
    );
    const changed = stdout.split("\0").filter(Boolean);
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
    const isSound =
      (files.code === 0 && unseen(files).length === 0) || (await changes(place, paths, signal)).length === 0;
    if (index.code === 0 && isSound) return;
    throw new RefreshError("tree_unsound", `${treeDir(place)} is not the tree of ${commit}`);
  }

  async function changes(place: TreePlace, paths: string[], signal?: AbortSignal): Promise<string[]> {
    const args = ["--literal-pathspecs", "diff-files", "--name-only", "-z", "--", ...paths];
    const result = await run(place, args, signal ? { signal } : {});
    const modified = result.stdout.split("\0").filter(Boolean);
    return [...(await unlike(place, modified, signal)), ...unseen(result)];
  }

  /** A name that is not UTF-8 cannot be told to git: such a file counts as another one. */
  async function unlike(place: TreePlace, paths: string[], signal?: AbortSignal): Promise<string[]> {
    const found = await unlikeWrittenAnew(
      (args, input) => run(place, args, { input, ...(signal ? { signal } : {}) }),
      treeDir(place),
      join(place.base, `${place.n}.anew`),
      paths.filter(isUtf8),
    );
    return [...found, ...paths.filter((path) => !isUtf8(path))];
  }

  async function differences(place: TreePlace, commit: string, content = false): Promise<string[]> {
    prepare(place);
    if (isForbidden(treeDir(place), constants.R_OK | constants.X_OK)) return ["it cannot be read"];
    // Without the index nothing tells which files were left out on purpose.
    if (content && place.paths.length > 0) return ["its files may not all have reached the disk"];
    if (content) {
      // An index without the files' times: every file is read. The old one is there until it is whole.
      const index = join(place.base, `${place.n}.index.anew`);
      rmSync(index, { force: true });
      await run(place, ["read-tree", "-m", commit], { workTree: { dir: treeDir(place), index } });
      renameSync(index, indexOf(place));
    }
    // git update-index -q --refresh: only files of other times are read by what follows
    await run(place, ["update-index", "-q", "--refresh"], { okCodes: [0, 1] });
    const others = await run(place, ["ls-files", "--others", "-z"]);
    const changed = await changes(place, []);
    const index = await run(place, ["diff-index", "--cached", "--quiet", commit], { okCodes: [0, 1] });
    const wrong = index.code === 0 ? [] : ["the index"];
    const strange = others.stdout.split("\0").filter(Boolean);
    const told = changed.map((path) => `${path}: needs update`);
    return [...wrong, ...told, ...unseen(others), ...strange.map((path) => `${path}: not the commit's`)];
  }

  return { build, update, differences };
}

/**
 * git restore writes what the paths name, over whatever is there, and keeps the index's cached trees; to
 * read-tree and checkout a change costs as much as the whole tree has directories.
 */
const restore = (commit: string): string[] => [
  ...["--literal-pathspecs", "restore", `--source=${commit}`, "--staged", "--worktree", "--no-overlay"],
  ...["--pathspec-from-file=-", "--pathspec-file-nul"],
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

export const indexOf = ({ base, n }: Pick<TreePlace, "base" | "n">): string => join(base, `${n}.index`);
