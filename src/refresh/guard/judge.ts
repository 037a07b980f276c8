import { type RefChange, ZERO } from "../../base/model.js";
import { forEachInSlices, mapInSlices, mapTogether, selectInSlices } from "../../base/slices.js";
import type { IsAncestor, Made, Verdict } from "../../git/mirror/carry.js";
import { KEEP_NOTHING } from "../../git/mirror/kept.js";
import { indexClashes } from "../../git/mirror/refs.js";
import {
  findStandingHolds,
  type GuardContext,
  type GuardedRepository,
  isGuarded,
  type Move,
} from "./context.js";
import { endHold, recordRulings } from "./record.js";
import { ruleOn } from "./rule.js";

/** Decides which of the differences become changes of the mirror, and for which the old tip is kept. */
export async function judgeMoves(
  context: GuardContext,
  repository: GuardedRepository,
  moves: Move[],
  isAncestor: IsAncestor,
): Promise<Verdict> {
  if (!isGuarded(context, repository.id)) return await allowAll(context, repository, moves);
  const { history, now } = context;
  const holdOf = new Map(findStandingHolds(context, repository.id).map((hold) => [hold.ref, hold]));
  // Many questions are asked at the same time, so that one git answers them together.
  const rulings = await mapTogether(moves, (move) =>
    ruleOn({ history, now, isAncestor }, move, holdOf.get(move.ref)),
  );
  await forEachInSlices(rulings, ({ ended, hold }) => {
    if (ended) holdOf.delete(ended.hold.ref);
    if (hold) holdOf.set(hold.ref, hold);
  });
  const changes: RefChange[] = [];
  const refs = new Set<string>();
  const inTheWay = await indexClashes(holdOf.keys());
  await forEachInSlices(rulings, ({ change, keepsTip }) => {
    // `a/b` cannot be made while `a` is held, nor `a` beside a held `a/b`.
    if (!change || (change.after !== ZERO && inTheWay(change.ref) !== null)) return;
    changes.push(change);
    if (keepsTip) refs.add(change.ref);
  });
  const record = (made: Made) => recordRulings(context, repository, moves, rulings, made);
  return { changes, keep: { refs, at: now() }, record };
}

/** No hold stands on a ref of a shallow mirror. */
async function allowAll(
  context: GuardContext,
  repository: GuardedRepository,
  moves: Move[],
): Promise<Verdict> {
  const changes = await mapInSlices(moves, ({ ref, before, after }) => ({ ref, before, after }));
  const record = () =>
    forEachInSlices(context.holds.of(repository.id), (hold) =>
      endHold(context, repository, hold, "its mirror is shallow"),
    );
  return {
    changes: await selectInSlices(changes, ({ before, after }) => before !== after),
    keep: KEEP_NOTHING,
    record,
  };
}
