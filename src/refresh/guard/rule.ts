import { type History, type RefChange, ZERO } from "../../base/model.js";
import type { IsAncestor } from "../../git/mirror/carry.js";
import type { Hold } from "../holds.js";
import type { Move } from "./context.js";

/** The decision on one ref. */
export interface Ruling {
  change: RefChange | null;
  /** Whether the old tip is kept. */
  keepsTip: boolean;
  /** The hold that stands after the decision, new or old. */
  hold: Hold | null;
  isNewHold: boolean;
  /** The hold that has ended, and why. */
  ended: { hold: Hold; why: string } | null;
}

interface Rules {
  history: History;
  now(): number;
  isAncestor: IsAncestor;
}

/** Decides on one ref. @param hold the hold that stands on the ref */
export async function ruleOn(rules: Rules, move: Move, hold: Hold | undefined): Promise<Ruling> {
  const { history, now, isAncestor } = rules;
  const why = hold ? await findReasonToEnd(rules, hold, move) : null;
  const ended = hold && why !== null ? { hold, why } : null;
  const stands = hold && !ended ? hold : null;
  const after = stands ? stands.tip : move.after;
  const change = after === move.before ? null : { ref: move.ref, before: move.before, after };
  // A delivery's word is about GitHub's value, not about the tip of a hold.
  const forced =
    change && (await isForced({ ...change, forced: stands ? undefined : move.forced }, isAncestor));
  if (forced && !hold && history === "block") {
    const { ref, before: tip, after: wanted } = move;
    const fresh: Hold = { ref, tip, wanted, since: now(), cause: "blocked", allowed: null };
    return { change: null, keepsTip: false, hold: fresh, isNewHold: true, ended };
  }
  const keepsTip = Boolean(forced) && history !== "mirror";
  return { change, keepsTip, hold: stands, isNewHold: false, ended };
}

/** @returns why the hold ends; null: the hold stands */
async function findReasonToEnd(
  { history, isAncestor }: Rules,
  hold: Hold,
  move: Move,
): Promise<string | null> {
  const { tip, wanted, cause, allowed } = hold;
  const { after: github, inPlace } = move;
  if (inPlace !== undefined) return `${inPlace} took its place`;
  if (allowed === github) return "the change was allowed";
  if (github === tip) return "GitHub has the held tip again";
  if (cause === "blocked" && history !== "block") return "HISTORY is no longer set to block";
  if (github === ZERO || !(await isAncestor(tip, github))) return null;
  // A restored tip may be behind GitHub's ref, and then a further push at GitHub is no return to the tip.
  const returns = cause === "blocked" || (github !== wanted && !(await isAncestor(tip, wanted)));
  return returns ? "GitHub's ref is now a descendant of the held tip" : null;
}

async function isForced({ ref, before, after, forced }: Move, isAncestor: IsAncestor): Promise<boolean> {
  if (before === ZERO) return false;
  if (after === ZERO || ref.startsWith("refs/tags/")) return true;
  return forced ?? !(await isAncestor(before, after));
}
