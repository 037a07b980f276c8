import { forEachInSlices } from "../../base/slices.js";
import type { RunGit } from "../../git/run/exec.js";
import type { Served } from "../upload-pack.js";

export type ObjectType = "commit" | "tree" | "blob" | "tag";

const TIMEOUT_MS = 60_000;

/** Finds out what these objects are. @returns types by object name; objects that the mirror lacks are missing */
export async function readTypes(
  git: RunGit,
  { dir }: Served,
  ids: readonly string[],
): Promise<Map<string, ObjectType>> {
  const types = new Map<string, ObjectType>();
  if (ids.length === 0) return types;
  // git cat-file --batch-check='%(objectname) %(objecttype)' prints `<id> missing` for what it lacks
  const { stdout } = await git({
    args: ["cat-file", "--batch-check=%(objectname) %(objecttype)"],
    gitDir: dir,
    input: `${ids.join("\n")}\n`,
    timeoutMs: TIMEOUT_MS,
  });
  await forEachInSlices(stdout.split("\n"), (line) => {
    const [id = "", type = ""] = line.split(" ");
    if (/^(?:commit|tree|blob|tag)$/.test(type)) types.set(id, type as ObjectType);
  });
  return types;
}

/** @returns the parents of all these commits */
export async function readParents(
  git: RunGit,
  { dir }: Served,
  commits: readonly string[],
): Promise<string[]> {
  if (commits.length === 0) return [];
  // git rev-list --no-walk=unsorted --parents --stdin prints `<commit> <parent>…`
  const { stdout } = await git({
    args: ["rev-list", "--no-walk=unsorted", "--parents", "--stdin"],
    gitDir: dir,
    input: `${commits.join("\n")}\n`,
    timeoutMs: TIMEOUT_MS,
  });
  const parents = stdout.split("\n").flatMap((line) => line.split(" ").slice(1));
  return [...new Set(parents)];
}
