import { rmSync } from "node:fs";
import { join } from "node:path";
import type { GitCall, RunGit } from "../run/exec.js";
import type { Lease } from "../transport/lease.js";
import { askRemote } from "../transport/remote.js";
import { FETCH_OPTIONS } from "./partial.js";
import { openScratch } from "./scratch.js";

type Within = Omit<GitCall, "args">;

/** Each name takes 50 bytes of a request. */
const AT_ONCE = 20_000;

/** What a tree is written from. */
export interface Blobs {
  all: Set<string>;
  /** Of what git reads without a word where it is missing, by path as git prints it. */
  silent: Record<string, string>;
}

/** What says how files are converted, and what submodules there are. */
const SILENT = /(?:^"?|\/)\.gitattributes"?$|^\.gitmodules$/;

/** Contents of the commit's files. @param paths only these, and what is below them; none: all */
export async function blobsOf(git: RunGit, within: Within, commit: string, paths: string[]): Promise<Blobs> {
  // git --literal-pathspecs ls-tree -r <commit> -- <path>…
  const args = ["--literal-pathspecs", "ls-tree", "-r", commit, "--", ...paths];
  const { stdout } = await git({ ...within, args });
  const blobs: Blobs = { all: new Set(), silent: {} };
  for (const [, blob, path] of stdout.matchAll(/^\d+ blob (\w+)\t(.*)$/gm)) {
    blobs.all.add(blob!);
    if (SILENT.test(path!)) blobs.silent[path!] = blob!;
  }
  return blobs;
}

/** Those that the second commit has and the first one has not at the same path. @param silent the first one's */
export async function blobsChanged(
  git: RunGit,
  within: Within,
  [before, after]: [string, string],
  paths: string[],
  silent: Blobs["silent"],
): Promise<Blobs> {
  // git --literal-pathspecs diff-tree -r --no-renames <before> <after> -- <path>…
  const args = ["--literal-pathspecs", "diff-tree", "-r", "--no-renames", before, after, "--", ...paths];
  const { stdout } = await git({ ...within, args });
  const blobs: Blobs = { all: new Set(), silent: { ...silent } };
  for (const [, mode, blob, path] of stdout.matchAll(/^:\d+ (\d+) \w+ (\w+) \w\t(.*)$/gm)) {
    delete blobs.silent[path!];
    if (!isFile(mode!)) continue;
    blobs.all.add(blob!);
    if (SILENT.test(path!)) blobs.silent[path!] = blob!;
  }
  return blobs;
}

/** Neither nothing nor a submodule. */
const isFile = (mode: string): boolean => mode !== "000000" && mode !== "160000";

export async function missingOf(git: RunGit, within: Within, objects: string[]): Promise<string[]> {
  if (objects.length === 0) return [];
  // git cat-file --batch-check --buffer: "<object> missing"
  const args = ["cat-file", "--batch-check", "--buffer"];
  const { stdout } = await git({ ...within, args, input: objects.map((name) => `${name}\n`).join("") });
  return [...stdout.matchAll(/^(\w+) missing$/gm)].map(([, object]) => object!);
}

/** It is read before a loose object, so that a broken one of the same name is in nobody's way, and it is synced. */
const AS_A_PACK = { "fetch.unpackLimit": "1" };

interface Fetch {
  /** Where the mirror is. */
  repositoryDir: string;
  mirror: string;
  blobs: string[];
  call: Omit<Within, "gitDir">;
}

/**
 * Brings objects by their names, as git itself does for a partial clone, but all of them at once.
 * @throws RefreshError `not_yet` where GitHub does not have one of them
 */
export async function fetchBlobs(git: RunGit, lease: Lease, fetch: Fetch): Promise<void> {
  const { repositoryDir, mirror, blobs, call } = fetch;
  // Of what is here nothing is said: a commit's contents may not be, and then GitHub must not build on them.
  const scratch = openScratch(repositoryDir, []);
  // An earlier fetch was lent it; without commits it speaks of none.
  rmSync(join(scratch.dir, "shallow"), { force: true });
  for (let n = 0; n < blobs.length; n += AT_ONCE) {
    // GIT_DIR=<scratch> GIT_OBJECT_DIRECTORY=<mirror>/objects git fetch --stdin <url>
    await askRemote(git, lease, {
      ...call,
      gitDir: scratch.dir,
      objectDir: join(mirror, "objects"),
      args: ["fetch", "--progress", ...FETCH_OPTIONS, "--stdin", lease.url],
      config: AS_A_PACK,
      input: `${blobs.slice(n, n + AT_ONCE).join("\n")}\n`,
    });
  }
}
