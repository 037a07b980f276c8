import type { GitCall, RunGit } from "../run/exec.js";

type Within = Omit<GitCall, "args">;

export async function isAncestor(
  git: RunGit,
  within: Within,
  ancestor: string,
  descendant: string,
): Promise<boolean> {
  // git merge-base --is-ancestor: 0 yes, 1 no, 128 one of them is not here
  const args = ["merge-base", "--is-ancestor", ancestor, descendant];
  const { code } = await git({ ...within, args, okCodes: [0, 1, 128] });
  return code === 0;
}

/** In a shallow mirror history may end before it has an answer: then what is older may be one. */
export async function mayBeAncestor(
  git: RunGit,
  within: Within,
  ancestor: string,
  descendant: string,
): Promise<boolean> {
  if (await isAncestor(git, within, ancestor, descendant)) return true;
  if (await isAncestor(git, within, descendant, ancestor)) return false;
  // git log --no-walk=unsorted --format=%ct <a> <b>: when each was committed, in seconds; 128: one is not here
  const args = ["log", "--no-walk=unsorted", "--format=%ct", ancestor, descendant];
  const { code, stdout } = await git({ ...within, args, okCodes: [0, 128] });
  const [older = 0, younger = 0] = stdout.split("\n").map(Number);
  return code === 0 && older < younger;
}
