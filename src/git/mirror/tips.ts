import { type RefChange, ZERO } from "../../base/model.js";
import { hasEscapedByte } from "../../base/names.js";
import { isInside } from "../../base/patterns.js";
import { mapInSlices, selectInSlices } from "../../base/slices.js";
import { type Applied, applyChanges, REFUSALS } from "./apply-changes.js";
import { moveDirectly } from "./direct-refs.js";
import { KEEP_NOTHING } from "./kept.js";
import { beginChange, type MirrorContext, rememberTips } from "./memory.js";
import { hideOwnRefs } from "./own-refs.js";
import { readRefs } from "./refs.js";

/** More refs than this are not named to git, whose arguments have little room; then git reads all refs. */
const MAX_NAMED = 1_000;

/** @returns the ref's object, ZERO when the ref does not exist. @param ask reads what is not remembered */
export async function readTip(
  { memory }: MirrorContext,
  id: number,
  ref: string,
  ask: (id: number, ref: string) => Promise<string>,
): Promise<string> {
  return memory.tips.get(id)?.get(ref) ?? ask(id, ref);
}

/** Reads refs with one git. @returns the object of each, ZERO for a ref that does not exist */
export async function readTipsByName(context: MirrorContext, id: number, refs: string[]): Promise<string[]> {
  const { git, layout, memory } = context;
  const canBeNamed = refs.length <= MAX_NAMED && !refs.some(hasEscapedByte);
  const found = await readRefs(git, layout.mirror(id), canBeNamed ? refs : []);
  const tips = refs.map((ref) => [ref, found.get(ref) ?? ZERO] as const);
  rememberTips(memory, id, tips);
  return tips.map(([, sha]) => sha);
}

/** @returns the refs inside the mirror's scope, without Lockstep's own */
export async function readTipsInside(
  context: MirrorContext,
  id: number,
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const isIn = isInside(context.scopeOf(id));
  return readRefs(context.git, context.layout.mirror(id), [], { signal, isWanted: isIn });
}

/** @returns the refs outside the mirror's scope, without Lockstep's own */
export async function readTipsOutside(
  context: MirrorContext,
  id: number,
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const isIn = isInside(context.scopeOf(id));
  const isWanted = (ref: string) => !isIn(ref);
  return readRefs(context.git, context.layout.mirror(id), [], { signal, isWanted });
}

/** @param refusals the codes of failures that leave out a ref and no other */
export async function changeTips(
  context: MirrorContext,
  id: number,
  changes: RefChange[],
  keep = KEEP_NOTHING,
  refusals = REFUSALS,
): Promise<Applied> {
  const { git, layout, memory } = context;
  const endChange = beginChange(memory, id);
  try {
    if (keep.refs.size > 0) await hideOwnRefs(context, id);
    const mirror = layout.mirror(id);
    const isMoved =
      context.directFetch &&
      keep.refs.size === 0 &&
      changes.length === 1 &&
      (await moveDirectly(mirror, changes[0]!));
    const applied = isMoved
      ? { kept: [], refused: [] }
      : await applyChanges(git, mirror, changes, keep, refusals);
    const refused = new Set(applied.refused.map(({ ref }) => ref));
    const made = await selectInSlices(changes, ({ ref }) => !refused.has(ref));
    rememberTips(memory, id, await mapInSlices(made, ({ ref, after }) => [ref, after] as const));
    await context.keptRecord.add(id, applied.kept);
    return applied;
  } catch (error) {
    memory.tips.get(id)?.clear();
    throw error;
  } finally {
    endChange();
  }
}
