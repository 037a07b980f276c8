import type { GitCall, RunGit } from "../run/exec.js";
import { compareHistories, type Pair, type Relation, readTimes } from "./compare-histories.js";

type Within = Omit<GitCall, "args" | "gitDir"> & { gitDir: string };

/** Answers `isAncestor` for each pair, with one git however many there are. */
export async function areAncestors(git: RunGit, within: Within, pairs: Pair[]): Promise<boolean[]> {
  if (pairs.length === 1) return [await isAncestor(git, within, ...pairs[0]!)];
  const all = await compareHistories(git, within, pairs);
  return all.map(isAhead);
}

const isAhead = (relation: Relation): boolean => relation === ">" || relation === "=";

/** Answers `mayBeAncestor` for each pair, with two gits however many there are. */
export async function mayBeAncestors(git: RunGit, within: Within, pairs: Pair[]): Promise<boolean[]> {
  if (pairs.length === 1) return [await mayBeAncestor(git, within, ...pairs[0]!)];
  const all = await compareHistories(git, within, pairs);
  const open = pairs.filter((_, n) => !isAhead(all[n]!) && all[n] !== "<");
  const times = open.length === 0 ? new Map() : await readTimes(git, within, [...new Set(open.flat())]);
  const isOlder = ([a, b]: Pair) => times.has(a) && times.has(b) && times.get(a)! < times.get(b)!;
  return pairs.map((pair, n) => isAhead(all[n]!) || (all[n] !== "<" && isOlder(pair)));
}

export async function isAncestor(
  git: RunGit,
  within: Within,
  ancestor: string,
  descendant: string,
): Promise<boolean> {
  // git merge-base --is-ancestor: 0 is yes, 1 is no, 128 means that a commit is missing
  const args = ["merge-base", "--is-ancestor", ancestor, descendant];
  const { code } = await git({ ...within, args, okCodes: [0, 1, 128] });
  return code === 0;
}

/**
 * Whether a commit may be an ancestor. In a shallow mirror history may end before the answer is known; an
 * older commit then counts as a possible ancestor.
 */
export async function mayBeAncestor(
  git: RunGit,
  within: Within,
  ancestor: string,
  descendant: string,
): Promise<boolean> {
  if (await isAncestor(git, within, ancestor, descendant)) return true;
  if (await isAncestor(git, within, descendant, ancestor)) return false;
  // git log --no-walk=unsorted --format=%ct <a> <b> prints the commit times, in seconds; 128: a commit is
  // missing
  const args = ["log", "--no-walk=unsorted", "--format=%ct", ancestor, descendant];
  const { code, stdout } = await git({ ...within, args, okCodes: [0, 128] });
  const [older = 0, younger = 0] = stdout.split("\n").map(Number);
  return code === 0 && older < younger;
}
