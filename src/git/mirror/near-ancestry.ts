import { join } from "node:path";
import { extentOf } from "../disk/layout.js";
import { isAncestorNearby } from "../objects/near-history.js";
import { createBudget } from "../objects/object.js";
import { createReadStored } from "../objects/stored.js";
import type { Pair } from "./compare-histories.js";
import type { MirrorContext } from "./memory.js";

/** More questions at once are those of a comparison, which one git answers together. */
const MAX_PAIRS = 4;

type Ask = (pairs: Pair[]) => Promise<boolean[]>;

/**
 * Answers `isAncestor` for each pair, without git where commits are a few steps apart: a question of a push costs as
 * much as the rest of it when git is started for the answer.
 * @param ask answers what remains
 */
export async function answerNearby(
  { layout, directFetch }: MirrorContext,
  id: number,
  pairs: Pair[],
  ask: Ask,
): Promise<boolean[]> {
  const mirror = layout.mirror(id);
  // In a shallow mirror a commit names parents that git does not look at.
  if (!directFetch || pairs.length > MAX_PAIRS || extentOf(mirror).depth !== null) return ask(pairs);
  const answers: (boolean | null)[] = [];
  for (const [ancestor, descendant] of pairs) {
    const readStored = createReadStored(join(mirror, "objects"), createBudget());
    answers.push(await isAncestorNearby(readStored, ancestor, descendant));
  }
  const open = pairs.filter((_, n) => answers[n] === null);
  const asked = open.length === 0 ? [] : await ask(open);
  return answers.map((answer) => answer ?? asked.shift()!);
}
