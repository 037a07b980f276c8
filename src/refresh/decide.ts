import { AGREED_REPLICA_LAG_MS, REPLICA_LAG_MS } from "../base/github-facts.js";
import { type RefHint, ZERO } from "../base/model.js";
import type { RefKnowledge } from "../registry/repositories.js";

/** What is known before a ref is brought. */
export interface RefFacts {
  /** The mirror's tip now; ZERO: no such ref. */
  tip: string;
  knowledge: RefKnowledge;
  /** GitHub's clock at the repository's last full comparison, in whole seconds. */
  comparedAt: number;
}

/**
 * - none: the mirror already has what the delivery tells.
 * - word: the delivery is provably the newest and fits the mirror: act on it.
 * - name: ask GitHub what the ref is now.
 */
export type Way = "none" | "word" | "name";

/**
 * A delivery's word counts only when it was pushed strictly later than anything acted on: a forced push
 * back to `before`, followed by the first, delayed delivery, would pass a plain compare-and-swap.
 */
export function decide(hint: RefHint, { tip, knowledge, comparedAt }: RefFacts): Way {
  const after = hint.points.at(-1);
  if (hint.ordered && tip === after) return "none";
  const newest = hint.ordered && hint.pushedAt > Math.max(knowledge.pushedAt, comparedAt);
  return newest && hint.points.slice(0, -1).includes(tip) ? "word" : "name";
}

/**
 * Whether GitHub's answer may be from before the push that the hint tells of. A hint older than what
 * was already acted on says nothing about the answer.
 */
export async function isBeforePush(
  hint: RefHint,
  answer: string,
  { tip, knowledge, comparedAt }: RefFacts,
  isAncestor: (ancestor: string, descendant: string) => Promise<boolean>,
): Promise<boolean> {
  const after = hint.points.at(-1)!;
  const before = hint.points.at(-2)!;
  const known = Math.max(knowledge.pushedAt, comparedAt - REPLICA_LAG_MS / 1000);
  if (answer === after || hint.pushedAt < known) return false;
  if (hint.points.includes(answer)) return true;
  // Nothing newer than what the mirror has, though of a push after that we have just been told.
  const isNews = hint.pushedAt > Math.max(knowledge.pushedAt, comparedAt);
  if (isNews && answer === tip)
    return answer === ZERO || after === ZERO || !(await isAncestor(after, answer));
  return answer !== ZERO && before !== ZERO && isAncestor(answer, before);
}

/** Whether taking the answer could turn back a ref that a delivery moved a moment ago. */
export async function turnsBack(
  answer: string,
  hint: RefHint | undefined,
  { tip, knowledge }: RefFacts,
  now: number,
  isAncestor: (ancestor: string, descendant: string) => Promise<boolean>,
): Promise<boolean> {
  const agreed = hint?.points.at(-1) === answer;
  if (answer === tip || now - knowledge.movedAt > (agreed ? AGREED_REPLICA_LAG_MS : REPLICA_LAG_MS))
    return false;
  if (answer === knowledge.movedFrom) return true;
  return answer !== ZERO && tip !== ZERO && isAncestor(answer, tip);
}
