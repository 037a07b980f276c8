import { type RefHint, type RefreshOutcome, type RefusedRef, ZERO } from "../base/model.js";
import { isInside } from "../base/patterns.js";
import { whyRefused } from "../git/mirror/refusals.js";
import { bringByName } from "./bring/by-name.js";
import { bringByWord } from "./bring/by-word.js";
import { type BringContext, type Brought, expectedTip, factsOf, learn, type Pass } from "./bring/context.js";
import { bringInFull } from "./bring/in-full.js";
import { forgetExcessTips } from "./bring/kept-tips.js";
import { decide } from "./decide.js";

export type { Brought, Pass } from "./bring/context.js";

/** The bringer has three ways to bring refs; see the Syncer chapter of docs/how-it-works.md. */
export interface Bringer {
  /** Brings what the deliveries report; a ref whose delivery is not provably the newest is asked for by name. */
  byHint(pass: Pass, hints: RefHint[]): Promise<Brought & { way: RefreshOutcome["way"] }>;
  /** Compares every ref of GitHub's with every ref of the mirror. */
  inFull(pass: Pass, hints: RefHint[]): Promise<Brought>;
}

export function createBringer(context: BringContext): Bringer {
  return {
    byHint: (pass, hints) => bringByHint(context, pass, hints),
    inFull: (pass, hints) => bringInFull(context, pass, hints),
  };
}

async function bringByHint(
  context: BringContext,
  pass: Pass,
  hints: RefHint[],
): ReturnType<Bringer["byHint"]> {
  const { guard, scopeOf } = context;
  const isIn = isInside(scopeOf(pass.repository.id));
  const all = hints.filter(({ ref }) => isIn(ref));
  const refused = all.flatMap(refusedOf);
  const inside = all.filter(({ ref }) => whyRefused(ref) === null);
  const heldRefs = new Set(guard.standing(pass.repository.id).map(({ ref }) => ref));
  const plans = await Promise.all(
    inside.map(async (hint) => {
      const facts = await factsOf(context, pass, hint.ref);
      // For a ref that is held at another tip than GitHub's, only GitHub itself can say whether the two
      // still differ.
      return { hint, facts, way: heldRefs.has(hint.ref) ? ("name" as const) : decide(hint, facts) };
    }),
  );
  for (const { hint, way } of plans) if (way === "none") learn(context, pass, hint, null);
  const words = plans.filter((plan) => plan.way === "word");
  const names = plans.filter((plan) => plan.way === "name");
  const written = await bringByWord(context, pass, words);
  // What GitHub does not serve by its object name is asked for by its ref name.
  const asked = written === null ? [...words, ...names] : names;
  const brought = await bringByName(context, pass, asked);
  const way = asked.length > 0 ? "name" : words.length > 0 ? "word" : "none";
  const changes = [...(written?.changes ?? []), ...brought.changes];
  if (changes.length > 0) await forgetExcessTips(context, pass);
  return {
    ...brought,
    changes,
    refused: [...refused, ...(written?.refused ?? []), ...brought.refused],
    way,
  };
}

/** A ref that was deleted is not missing in the mirror. */
function refusedOf(hint: RefHint): RefusedRef[] {
  const reason = whyRefused(hint.ref);
  return reason === null || expectedTip(hint) === ZERO ? [] : [{ ref: hint.ref, reason }];
}
