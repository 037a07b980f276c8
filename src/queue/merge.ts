import type { PushHint, RefHint } from "../base/model.js";

/** A hint with the generation of the last trigger that touched it. */
export type QueuedHint = RefHint & { generation: number };

/** With more refs than this a full comparison is cheaper than asking for each ref. */
export const MAX_HINTS = 300;
/** The longest chain that is kept; older points only save a question to GitHub. */
const MAX_POINTS = 16;

/**
 * Adds one delivery to what is known of its ref. Two deliveries form a chain when the second starts where the
 * first ended and was pushed in a later second. Anything else proves no order: A→B and B→A in the same
 * second, arriving swapped, also look like a chain.
 */
export function mergeHint(known: QueuedHint | undefined, push: PushHint, generation: number): QueuedHint {
  const { before, after, pushedAt } = push;
  const proves = push.ordered ?? true;
  if (!known) return { ...mergeForced(push), points: [before, after], ordered: proves, generation };
  const last = known.points.at(-1);
  if (known.pushedAt === pushedAt && last === after && known.points.at(-2) === before) {
    return { ...known, generation }; // The same push was delivered twice.
  }
  const chained = proves && known.ordered && pushedAt > known.pushedAt && before === last;
  if (chained) {
    const points = [...known.points, after].slice(-MAX_POINTS);
    return { ...mergeForced(push, known), points, ordered: true, generation };
  }
  const newer = pushedAt >= known.pushedAt;
  return {
    ...mergeForced(push, known),
    points: newer ? [before, after] : known.points,
    pushedAt: Math.max(pushedAt, known.pushedAt),
    ordered: false,
    generation,
  };
}

/** The merged hint is not forced only when every delivery says so. */
function mergeForced(
  { ref, pushedAt, forced: now }: PushHint,
  known: { forced?: boolean } = { forced: now },
) {
  const forced = now || known.forced ? true : now === undefined ? undefined : known.forced;
  return { ref, pushedAt, ...(forced !== undefined && { forced }) };
}

/**
 * Merges pushes into the hints of a row. @returns null when the refs are too many, so that all refs are
 * compared
 */
export function mergeHints(known: QueuedHint[], pushes: PushHint[], generation: number): QueuedHint[] | null {
  const byRef = new Map(known.map((hint) => [hint.ref, hint]));
  for (const push of pushes) byRef.set(push.ref, mergeHint(byRef.get(push.ref), push, generation));
  return byRef.size > MAX_HINTS ? null : [...byRef.values()];
}
