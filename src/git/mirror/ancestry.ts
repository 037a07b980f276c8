import type { GitCall, RunGit } from "../run/exec.js";

type Within = Omit<GitCall, "args">;

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
