import { AGREED_REPLICA_LAG_MS, REPLICA_LAG_MS } from "../base/github-facts.js";
import { type RefHint, ZERO } from "../base/model.js";
import type { RefKnowledge } from "../registry/repositories.js";

/** What is known before a ref is brought. */
export interface RefFacts {
  /** The mirror's current tip; ZERO: the ref does not exist. */
  tip: string;
  knowledge: RefKnowledge;
  /** GitHub's clock at the repository's last full comparison, in whole seconds. */
  comparedAt: number;
}

/**
 * - none: the mirror already has what the delivery reports.
 * - word: the delivery is provably the newest and matches the mirror, so Lockstep acts on the delivery's
 *   word.
 * - name: Lockstep asks GitHub for the ref by name.
 */
export type Way = "none" | "word" | "name";

/**
 * A delivery's word counts only when it was pushed strictly later than anything acted on. A forced push back
 * to `before`, followed by the first, delayed delivery, would pass a plain compare-and-swap.
 */
export function decide(hint: RefHint, facts: RefFacts): Way {
  const { tip } = facts;
  if (hint.ordered && tip === hint.points.at(-1)) return "none";
  const newest = hint.ordered && isNews(hint, facts);
  return newest && hint.points.slice(0, -1).includes(tip) ? "word" : "name";
}

/** Whether the hint's push is later than everything that was acted on for this ref. */
export const isNews = (hint: RefHint, { knowledge, comparedAt }: RefFacts): boolean =>
  hint.pushedAt > Math.max(knowledge.pushedAt, comparedAt);

/** Whether the hint's push came certainly before something that was acted on, so that GitHub shows it no more. */
export const isOutdated = (hint: RefHint, { knowledge, comparedAt }: RefFacts): boolean =>
  hint.pushedAt < Math.max(knowledge.pushedAt, comparedAt);

/**
 * Whether GitHub's answer may be from before the push that the hint reports. A hint older than what was
 * already acted on proves nothing about the answer.
 */
export async function isBeforePush(
  hint: RefHint,
  answer: string,
  facts: RefFacts,
  isAncestor: (ancestor: string, descendant: string) => Promise<boolean>,
): Promise<boolean> {
  const { tip, knowledge, comparedAt } = facts;
  const after = hint.points.at(-1)!;
  const before = hint.points.at(-2)!;
  const known = Math.max(knowledge.pushedAt, comparedAt - REPLICA_LAG_MS / 1000);
  if (answer === after || hint.pushedAt < known) return false;
  // A ref that a push has just made or moved is not there: GitHub deletes it, or has not made it yet.
  if (answer === ZERO || hint.points.includes(answer)) return true;
  // The answer has nothing newer than the mirror, although a later push was just reported.
  if (isNews(hint, facts) && answer === tip) return after === ZERO || !(await isAncestor(after, answer));
  return before !== ZERO && isAncestor(answer, before);
}

/** Whether taking the answer could turn back a ref that a delivery has just moved. */
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
