import type { Subject } from "../base/model.js";
import { keyOf, ZERO } from "../base/model.js";
import type { Reported } from "./contract.js";
import { type Parts, putDue } from "./parts.js";
import { pushesOf, triggerOf } from "./rows.js";

/**
 * @returns null: nothing that GitHub has reported is left to be brought. What replicas of GitHub's do not show for long
 * counts, too: another replica may show it to a reader.
 */
export function reportedIn(queue: Parts, subject: Subject): Reported | null {
  const row = queue.rows.get(keyOf(subject));
  if (row === null) return null;
  const { hints, unlisted } = pushesOf(row);
  // A delivery without its payload leaves no hint, and contests those that are there.
  const isUnknown = triggerOf(row) === "push" && hints.every(({ contested }) => contested);
  const isPartial = unlisted !== null || isUnknown;
  if (hints.length === 0 && !isPartial) return null;
  return {
    tips: new Map(hints.map(({ ref, points }) => [ref, points.at(-1) ?? ZERO])),
    isPartial,
    isRunning: row.state === "running",
    dueInMs: row.state === "waiting" ? Math.max(0, (row.dueAt ?? 0) - queue.now()) : 0,
  };
}

/** Ends the wait for a quiet moment, and no other wait. @returns whether the row may start now */
export function endQuiet(queue: Parts, subject: Subject): boolean {
  const row = queue.rows.get(keyOf(subject));
  const isQuiet = row?.state === "waiting" && row.quietUntil !== null && row.retryAt === null;
  if (!isQuiet || row.heldBy !== null || row.met !== null) return false;
  const at = queue.now();
  putDue(queue, { ...row, dueAt: at, quietUntil: null }, at);
  return true;
}
