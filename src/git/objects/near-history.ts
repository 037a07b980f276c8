import { readCommit } from "./links.js";
import { LeftToGit } from "./object.js";
import type { ReadStored } from "./stored.js";

/** A push is usually a few commits ahead of its ref. What is further away is git's to find, which has indices for it. */
const MAX_STEPS = 16;

/**
 * Whether a commit is an ancestor of another one, or the same, as far as their nearest history says. History is walked
 * from both, a commit from each by turns: the one that is found from the other is the ancestor.
 * @param readStored reads from a mirror with its whole history
 * @returns null: their nearest history does not say, or cannot be read here
 */
export async function isAncestorNearby(
  readStored: ReadStored,
  ancestor: string,
  descendant: string,
): Promise<boolean | null> {
  try {
    const [older, younger] = [startWalk(ancestor), startWalk(descendant)];
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      await step(younger, readStored);
      await step(older, readStored);
      if (younger.seen.has(ancestor)) return true;
      // History has no circles.
      if (older.seen.has(descendant)) return false;
    }
    return null;
  } catch (error) {
    if (error instanceof LeftToGit) return null;
    throw error;
  }
}

interface Walk {
  seen: Set<string>;
  /** Commits whose parents are not read yet, the nearest first. */
  ahead: string[];
}

const startWalk = (commit: string): Walk => ({ seen: new Set([commit]), ahead: [commit] });

/** Reads the parents of one commit. @throws LeftToGit when the object is no commit, or cannot be read */
async function step({ seen, ahead }: Walk, readStored: ReadStored): Promise<void> {
  const commit = ahead.shift();
  if (commit === undefined) return;
  const { type, content } = await readStored(commit);
  if (type !== "commit") throw new LeftToGit(`${commit} is not a commit`);
  for (const parent of readCommit(content).parents) {
    if (seen.has(parent)) continue;
    seen.add(parent);
    ahead.push(parent);
  }
}
