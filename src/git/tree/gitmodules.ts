import { RefreshError } from "../../base/errors.js";
import type { GitCall, RunGit } from "../run/exec.js";

/** One submodule of a commit. Path and URL are pushed by users, and not trusted. */
export interface Submodule {
  path: string;
  url: string;
  commit: string;
}

/** Where a commit's objects are. */
export type Source = Pick<GitCall, "gitDir" | "alternate" | "timeoutMs" | "signal">;

const MAX_BYTES = 1024 * 1024;
const MAX_SUBMODULES = 500;
/** One argument may have 128 KiB, and all arguments 2 MiB. */
const MAX_ARGUMENT_BYTES = 60_000;

const refused = (why: string) => new RefreshError("submodule_refused", why);

/**
 * Returns the gitlinks that the commit's .gitmodules names, and their URLs. The file is read as data: only
 * path, URL and `update = none` have a meaning here. gitmodules(5)
 */
export async function readSubmodules(git: RunGit, from: Source, commit: string): Promise<Submodule[]> {
  const [, type, size] = await describe(git, from, `${commit}:.gitmodules`);
  if (type !== "blob") return none(git, from, commit);
  if (Number(size) > MAX_BYTES) throw refused(".gitmodules is larger than 1 MiB");
  const entries = [...(await readEntries(git, from, commit))].filter(([path]) => isSafePath(path));
  if (entries.length > MAX_SUBMODULES)
    throw refused(`.gitmodules names more than ${MAX_SUBMODULES} submodules`);
  if (entries.length === 0) return [];
  const paths = entries.map(([path]) => path);
  if (Buffer.byteLength(paths.join(" ")) > MAX_ARGUMENT_BYTES)
    throw refused(".gitmodules contains paths that are too long");
  // git --literal-pathspecs ls-tree -z <commit> -- <path>…
  const { stdout } = await git({
    ...from,
    args: ["--literal-pathspecs", "ls-tree", "-z", commit, "--", ...paths],
  });
  const links = stdout.split("\0").flatMap((line) => {
    const [, sha, path] = /^160000 commit ([\da-f]+)\t([\s\S]+)$/.exec(line) ?? [];
    return sha && path ? [[path, sha] as const] : [];
  });
  const urls = new Map(entries);
  return links
    .filter(([path]) => urls.has(path))
    .map(([path, sha]) => ({ path, url: urls.get(path)!, commit: sha }));
}

/**
 * Makes sure that .gitmodules is not in the commit, rather than its content missing. @throws RefreshError
 * `corrupt`
 */
async function none(git: RunGit, from: Source, commit: string): Promise<never[]> {
  // git ls-tree <commit> -- .gitmodules
  const { stdout } = await git({ ...from, args: ["ls-tree", commit, "--", ".gitmodules"] });
  if (!/^\d+ blob /.test(stdout)) return [];
  throw new RefreshError("corrupt", `.gitmodules of ${commit} is missing: ${stdout.trim()}`);
}

/** @returns name, type and size of an object; for a missing object, the given name and `missing` */
export async function describe(git: RunGit, from: Source, what: string): Promise<string[]> {
  const { stdout } = await git({ ...from, args: ["cat-file", "--batch-check"], input: `${what}\n` });
  return stdout.trim().split(" ");
}

/** @returns URLs by path */
async function readEntries(git: RunGit, from: Source, commit: string): Promise<Map<string, string>> {
  // Without --no-includes an [include] would make git read a file of this machine.
  const args = ["config", "--no-includes", `--blob=${commit}:.gitmodules`, "--null", "--get-regexp"];
  const pattern = "^submodule\\..*\\.(path|url|update)$";
  const { stdout, stderr } = await git({ ...from, args: [...args, pattern], okCodes: [0, 1] });
  // Exit code 1 means both that nothing was found and that the file cannot be read.
  if (stderr.includes("bad config")) throw refused(".gitmodules is not a valid git configuration file");
  const byName = new Map<string, Record<string, string>>();
  for (const entry of stdout.split("\0")) {
    const [, name, key, value] = /^submodule\.([^\n]*)\.(path|url|update)\n([\s\S]*)$/.exec(entry) ?? [];
    if (name !== undefined) byName.set(name, { ...byName.get(name), [key!]: value! });
  }
  const whole = [...byName.values()].filter(({ path, url, update }) => path && url && update !== "none");
  return new Map(whole.map(({ path, url }) => [path!.replace(/\/$/, ""), url!]));
}

/**
 * A path that no commit can have belongs to no submodule; a name that is not UTF-8 does not survive reading.
 */
const isSafePath = (path: string): boolean =>
  !path.includes("\uFFFD") && path.split("/").every((part) => !["", ".", "..", ".git"].includes(part));
