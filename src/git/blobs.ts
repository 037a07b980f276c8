import { rmSync } from "node:fs";
import { join } from "node:path";
import type { GitCall, RunGit } from "./exec.js";
import type { Lease } from "./gateway.js";
import { FETCH_OPTIONS } from "./partial.js";
import { askRemote } from "./remote.js";
import { openScratch } from "./scratch.js";

type Within = Omit<GitCall, "args">;

/** Each name takes 50 bytes of a request. */
const AT_ONCE = 20_000;

/** Contents of the commit's files. @param paths only these, and what is below them; none: all */
export async function blobsOf(
  git: RunGit,
  within: Within,
  commit: string,
  paths: string[],
): Promise<string[]> {
  // git --literal-pathspecs ls-tree -r --format='%(objecttype) %(objectname)' <commit> -- <path>…
  const args = ["ls-tree", "-r", "--format=%(objecttype) %(objectname)", commit, "--", ...paths];
  const { stdout } = await git({ ...within, args: ["--literal-pathspecs", ...args] });
  return [...new Set([...stdout.matchAll(/^blob (\w+)$/gm)].map(([, blob]) => blob!))];
}

/** Those that the second commit has and the first one has not at the same path. */
export async function blobsChanged(
  git: RunGit,
  within: Within,
  [before, after]: [string, string],
  paths: string[],
): Promise<string[]> {
  // git --literal-pathspecs diff-tree -r --no-renames <before> <after> -- <path>…; 160000 is a submodule
  const args = ["diff-tree", "-r", "--no-renames", "--diff-filter=d", before, after, "--", ...paths];
  const { stdout } = await git({ ...within, args: ["--literal-pathspecs", ...args] });
  const found = [...stdout.matchAll(/^:\d+ (?!160000)\d+ \w+ (\w+) /gm)];
  return [...new Set(found.map(([, blob]) => blob!))];
}

export async function missingOf(git: RunGit, within: Within, objects: string[]): Promise<string[]> {
  if (objects.length === 0) return [];
  // git cat-file --batch-check --buffer: "<object> missing"
  const args = ["cat-file", "--batch-check", "--buffer"];
  const { stdout } = await git({ ...within, args, input: objects.map((name) => `${name}\n`).join("") });
  return [...stdout.matchAll(/^(\w+) missing$/gm)].map(([, object]) => object!);
}

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
  // What nobody says to have is sent whole.
  const scratch = openScratch(repositoryDir, []);
  rmSync(join(scratch.dir, "shallow"), { force: true });
  for (let n = 0; n < blobs.length; n += AT_ONCE) {
    // GIT_DIR=<scratch> GIT_OBJECT_DIRECTORY=<mirror>/objects git fetch --stdin <url>
    await askRemote(git, lease, {
      ...{ ...call, gitDir: scratch.dir, objectDir: join(mirror, "objects") },
      args: ["fetch", "--progress", ...FETCH_OPTIONS, "--stdin", lease.url],
      input: `${blobs.slice(n, n + AT_ONCE).join("\n")}\n`,
    });
  }
}
