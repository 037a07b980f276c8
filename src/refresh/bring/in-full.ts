import { type OpenRef, type RefHint, type RefusedRef, ZERO } from "../../base/model.js";
import { isInside } from "../../base/patterns.js";
import { forEachInSlices, mapInSlices, selectInSlices } from "../../base/slices.js";
import { REFUSALS_ONCE_READ } from "../../git/mirror/apply-changes.js";
import { clash, compareTips, indexClashes } from "../../git/mirror/refs.js";
import { whyRefused } from "../../git/mirror/refusals.js";
import type { Move } from "../guard.js";
import {
  type BringContext,
  type Brought,
  expectedTip,
  factsOf,
  fetchNewTips,
  learn,
  type Pass,
  type Written,
  writeRefs,
  written,
} from "./context.js";
import { askForEveryRef } from "./every-ref.js";
import { forgetOldTips, forgetServed } from "./kept-tips.js";
import { type Answered, ruleOnAnswers } from "./old-answers.js";

/** Compares every ref of GitHub's with every ref of the mirror. */
export async function bringInFull(context: BringContext, pass: Pass, hints: RefHint[]): Promise<Brought> {
  const { mirrors, guard, scopeOf } = context;
  const { id, defaultBranch } = pass.repository;
  const { remote, local, pushedAt } = await askForEveryRef(context, pass);
  const isIn = isInside(scopeOf(id));
  const inside = hints.filter(({ ref }) => isIn(ref));
  const { open: old, abandoned } = await findOldAnswers(context, pass, {
    hints: inside,
    remote,
    local,
    pushedAt,
  });
  const differences = await guard.differences(id, local, remote);
  const open = [...old, ...(await whatWaits(differences, old))];
  const waiting = new Set(open.map(({ ref }) => ref));
  const unwritable = await unwritableOf(differences);
  const leftOut = new Set([...waiting, ...unwritable.map(({ ref }) => ref)]);
  const moves = await selectInSlices(differences, ({ ref }) => !leftOut.has(ref));
  const main = local.get(`refs/heads/${defaultBranch}`) ?? ZERO;
  await fetchNewTips(context, pass, moves, oldTips(main, moves));
  const written = await writeRefs(context, pass, moves, REFUSALS_ONCE_READ);
  // The comparison is acted on, whatever the Date of the answer: GitHub's servers each have their own clock.
  for (const hint of inside) if (!waiting.has(hint.ref)) learn(context, pass, hint, null);
  await forgetOldTips(context, pass);
  await forgetServed(context, pass);
  // The old scope is kept while a new scope waits for room on the disk.
  const drops = (pass.repository.recheck || scopeOf(id).depth !== null) && mirrors.hasWantedExtent(id);
  const dropped = drops ? await dropOutside(context, pass) : { changes: [], refused: [] };
  const superseded = inside.some((hint) => (remote.get(hint.ref) ?? ZERO) !== expectedTip(hint));
  const changes = [...written.changes, ...dropped.changes];
  const refused = [...unwritable, ...written.refused, ...dropped.refused];
  return { changes, refused, superseded, open, abandoned };
}

function* oldTips(main: string, moves: readonly Move[]): Iterable<string> {
  yield main;
  for (const { before } of moves) yield before;
}

async function unwritableOf(differences: readonly Move[]): Promise<RefusedRef[]> {
  const refused: RefusedRef[] = [];
  await forEachInSlices(differences, ({ ref, before, after }) => {
    const reason = before === after ? null : whyRefused(ref);
    if (reason !== null) refused.push({ ref, reason });
  });
  return refused;
}

interface Comparison {
  hints: RefHint[];
  remote: Map<string, string>;
  local: Map<string, string>;
  pushedAt: number;
}

/** Finds refs whose answer may be older than a reported push. */
async function findOldAnswers(
  context: BringContext,
  pass: Pass,
  { hints, remote, local, pushedAt }: Comparison,
): Promise<Pick<Brought, "open" | "abandoned">> {
  const { id, comparedAt } = pass.repository;
  const open: OpenRef[] = [];
  const abandoned: RefHint[] = [];
  const hinted = new Set(hints.map(({ ref }) => ref));
  const facts = await Promise.all(hints.map(({ ref }) => factsOf(context, pass, ref)));
  const answers: Answered[] = hints.map((hint, n) => ({
    ref: hint.ref,
    answer: remote.get(hint.ref) ?? ZERO,
    hint,
    facts: facts[n]!,
  }));
  await forEachInSlices(await compareTips(local, remote), ({ ref, after, before }) => {
    if (hinted.has(ref) || isReplaced(ref, hints, remote)) return;
    const known = { tip: before, knowledge: context.registry.ref(id, ref), comparedAt };
    answers.push({ ref, answer: after, hint: undefined, facts: known });
  });
  await forEachInSlices(await ruleOnAnswers(context, pass, answers, pushedAt), ({ answered, ruling }) => {
    if (ruling.kind === "open") open.push(ruling.open);
    if (ruling.kind === "abandon" && answered.hint) abandoned.push(answered.hint);
  });
  return { open, abandoned };
}

/** Whether GitHub has `a/b` as a delivery has reported it, so that it can have no `a` any more. */
const isReplaced = (ref: string, hints: RefHint[], remote: Map<string, string>): boolean =>
  hints.some((hint) => clash(ref, hint.ref) && remote.get(hint.ref) === expectedTip(hint));

/** `a/b` cannot be made while `a` waits for a later answer, nor `a` beside an `a/b` that waits. */
async function whatWaits(differences: readonly Move[], old: readonly OpenRef[]): Promise<OpenRef[]> {
  const waits: OpenRef[] = [];
  if (old.length === 0) return waits;
  const waiting = new Map(old.map((open) => [open.ref, open]));
  const inTheWay = await indexClashes(waiting.keys());
  await forEachInSlices(differences, ({ ref }) => {
    const other = waiting.has(ref) ? null : inTheWay(ref);
    if (other !== null) waits.push({ ...waiting.get(other)!, ref });
  });
  return waits;
}

/** Drops refs of an earlier scope, which no refresh follows any more. */
async function dropOutside(
  context: BringContext,
  { repository: { id }, trigger, run }: Pass,
): Promise<Written> {
  const { mirrors, outbox } = context;
  const outside = await mirrors.outside(id, run.signal);
  const changes = await mapInSlices(outside, ([ref, before]) => ({ ref, before, after: ZERO }));
  await outbox.intend(id, trigger, changes);
  const { refused } = await mirrors.apply(id, changes);
  return written(context, id, changes, refused);
}
