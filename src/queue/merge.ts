import type { PushHint, RefHint, UnlistedPushes } from "../base/model.js";

/** A hint with the generation of the last trigger that touched it. */
export type QueuedHint = RefHint & { generation: number };

export type QueuedUnlisted = UnlistedPushes & { generation: number };

/** What a row knows of the pushes that led to it. */
export interface QueuedPushes {
  hints: QueuedHint[];
  /** Null: every ref is in `hints`. */
  unlisted: QueuedUnlisted | null;
}

/** With more refs than this a full comparison is cheaper than asking for each ref. */
export const MAX_HINTS = 300;
/** The longest chain that is kept; older points only save a question to GitHub. */
const MAX_POINTS = 16;
/** The most tips that are kept of deliveries without a proven order. */
const MAX_RIVALS = 16;

/** A push with the time of its first receipt. */
type Received = PushHint & { receivedAt: number };

/**
 * Adds one delivery to what is known of its ref. Two deliveries form a chain when the second starts where the
 * first ended and was pushed in a later second. Anything else proves no order: A→B and B→A in the same
 * second, arriving swapped, also look like a chain.
 */
export function mergeHint(known: QueuedHint | undefined, push: Received, generation: number): QueuedHint {
  const { before, after, pushedAt, receivedAt } = push;
  const proves = push.ordered ?? true;
  if (!known)
    return { ...mergeForced(push), points: [before, after], ordered: proves, receivedAt, generation };
  const last = known.points.at(-1);
  if (known.pushedAt === pushedAt && last === after && known.points.at(-2) === before) {
    return { ...known, generation }; // The same push was delivered twice.
  }
  const chained = proves && known.ordered && pushedAt > known.pushedAt && before === last;
  if (chained) {
    const points = [...known.points, after].slice(-MAX_POINTS);
    return { ...mergeForced(push, known), points, ordered: true, receivedAt, generation };
  }
  const newer = pushedAt >= known.pushedAt;
  return {
    ...mergeForced(push, known),
    points: newer ? [before, after] : known.points,
    receivedAt: newer ? receivedAt : known.receivedAt,
    rivals: rivalsOf(known, newer ? last! : after),
    pushedAt: Math.max(pushedAt, known.pushedAt),
    ordered: false,
    generation,
  };
}

const rivalsOf = ({ rivals = [] }: QueuedHint, tip: string): string[] =>
  [...new Set([...rivals, tip])].slice(-MAX_RIVALS);

/** The merged hint is not forced only when every delivery says so. */
function mergeForced(
  { ref, pushedAt, forced: now }: PushHint,
  known: { forced?: boolean } = { forced: now },
) {
  const forced = now || known.forced ? true : now === undefined ? undefined : known.forced;
  return { ref, pushedAt, ...(forced !== undefined && { forced }) };
}

/** Merges pushes into those of a row. Where the refs are too many, only the newest push is kept, without its ref. */
export function mergePushes(known: QueuedPushes, pushes: Received[], generation: number): QueuedPushes {
  const byRef = new Map(known.hints.map((hint) => [hint.ref, hint]));
  for (const push of pushes) byRef.set(push.ref, mergeHint(byRef.get(push.ref), push, generation));
  const hints = [...byRef.values()];
  if (hints.length <= MAX_HINTS) return { hints, unlisted: known.unlisted };
  const all: UnlistedPushes[] = known.unlisted ? [...hints, known.unlisted] : hints;
  const pushedAt = Math.max(...all.map((one) => one.pushedAt));
  const receivedAt = Math.max(...all.map((one) => one.receivedAt));
  return { hints: [], unlisted: { pushedAt, receivedAt, generation } };
}
