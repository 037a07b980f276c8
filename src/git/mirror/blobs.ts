import { rmSync } from "node:fs";
import { join } from "node:path";
import { clearLeftovers } from "../disk/heal.js";
import type { GitCall, RunGit } from "../run/exec.js";
import type { Lease } from "../transport/lease.js";
import { askRemote } from "../transport/remote.js";
import { keepObjects, SYNC_OBJECTS } from "./objects.js";
import { FETCH_OPTIONS } from "./partial.js";
import { openScratch } from "./scratch.js";

type Within = Omit<GitCall, "args">;

/** Each object name takes 50 bytes of a request. */
const AT_ONCE = 20_000;

/** The contents that a tree is written from. */
export interface Blobs {
  all: Set<string>;
  /** Contents that git reads without an error when they are missing, by path as git prints it. */
  silent: Record<string, string>;
}

/** These files say how files are converted, and what submodules exist. */
const SILENT = /(?:^"?|\/)\.gitattributes"?$|^\.gitmodules$/;

/** Returns the contents of the commit's files. @param paths only these, and what is below them; none: all */
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

/**
 * Returns contents that the second commit has and the first one does not have at the same path. @param silent
 * the first commit's
 */
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

/** Whether the mode is a file's, and not a submodule's or a missing entry's. */
const isFile = (mode: string): boolean => mode !== "000000" && mode !== "160000";

export async function missingOf(git: RunGit, within: Within, objects: string[]): Promise<string[]> {
  if (objects.length === 0) return [];
  // git cat-file --batch-check --buffer prints "<object> missing" for a missing object
  const args = ["cat-file", "--batch-check", "--buffer"];
  const { stdout } = await git({ ...within, args, input: objects.map((name) => `${name}\n`).join("") });
  return [...stdout.matchAll(/^(\w+) missing$/gm)].map(([, object]) => object!);
}

/**
 * Objects are stored as a pack. A pack is read before a broken loose object of the same name, and is synced
 * to disk.
 */
const AS_A_PACK = { ...SYNC_OBJECTS, "fetch.unpackLimit": "1" };

interface Fetch {
  /** The repository's directory, which contains the mirror. */
  repositoryDir: string;
  mirror: string;
  blobs: string[];
  call: Omit<Within, "gitDir">;
}

/**
 * Brings objects by their names, as git itself does for a partial clone, but all in one fetch.
 * @throws RefreshError `not_yet` when GitHub does not have one of the objects
 */
export async function fetchBlobs(git: RunGit, lease: Lease, fetch: Fetch): Promise<void> {
  const { repositoryDir, mirror, blobs, call } = fetch;
  // The fetch names no local commits: the contents of a commit may be missing here, and GitHub must not build
  // on such a commit.
  const scratch = await openScratch(repositoryDir, []);
  let hasLeft = false;
  const onRetry = () => {
    hasLeft = true;
  };
  try {
    // An earlier fetch left a copy of the mirror's shallow file here; a fetch without commits does not use one.
    rmSync(join(scratch.dir, "shallow"), { force: true });
    for (let n = 0; n < blobs.length; n += AT_ONCE) {
      // GIT_DIR=<scratch> GIT_OBJECT_DIRECTORY=<mirror>/objects git fetch --stdin <url>
      const fetchSome = () =>
        askRemote(git, lease, {
          ...call,
          onRetry,
          gitDir: scratch.dir,
          objectDir: join(mirror, "objects"),
          args: ["fetch", "--progress", ...FETCH_OPTIONS, "--stdin", lease.url],
          config: AS_A_PACK,
          input: `${blobs.slice(n, n + AT_ONCE).join("\n")}\n`,
        });
      await keepObjects(mirror, scratch, fetchSome);
    }
  } finally {
    scratch.close();
    if (hasLeft) await clearLeftovers(join(mirror, "objects"));
  }
}
