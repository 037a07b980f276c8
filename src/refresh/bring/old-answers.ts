import type { RefHint } from "../../base/model.js";
import { mapTogether } from "../../base/slices.js";
import { isBeforePush, isNews, type RefFacts, turnsBack } from "../decide.js";
import { type Ruling, ruleOnOldAnswer, waitForMove } from "../patience.js";
import type { BringContext, Pass } from "./context.js";

/** One ref's answer, and what is known of the ref. */
export interface Answered {
  ref: string;
  /** The object that GitHub shows; ZERO: none. */
  answer: string;
  /** What deliveries report; undefined: nothing. */
  hint: RefHint | undefined;
  facts: RefFacts;
}

/** Rules on answers, many at the same time, so that one git compares all histories that have to be compared. */
export const ruleOnAnswers = (context: BringContext, pass: Pass, answers: Answered[], pushedAt: number) =>
  mapTogether(answers, async (answered) => ({
    answered,
    ruling: await ruleOnAnswer(context, pass, answered, pushedAt),
  }));

/**
 * Rules on one answer of GitHub's, which may be older than a reported push.
 * @param pushedAt the repository's `pushed_at` by REST, read after the answer, in whole seconds since 1970
 */
async function ruleOnAnswer(
  { mirrors, now }: BringContext,
  { repository }: Pass,
  { ref, answer, hint, facts }: Answered,
  pushedAt: number,
): Promise<Ruling> {
  const ancestry = (a: string, b: string) => mirrors.mayBeAncestor(repository.id, a, b);
  if (hint && (await isBeforePush(hint, answer, facts, ancestry))) {
    const ruling = ruleOnOldAnswer({ hint, answer, isNews: isNews(hint, facts), pushedAt, now: now() });
    if (ruling.kind !== "accept") return ruling;
  }
  if (await turnsBack(answer, hint, facts, now(), ancestry)) {
    return waitForMove(ref, facts.knowledge.movedAt, now());
  }
  return { kind: "accept" };
}
