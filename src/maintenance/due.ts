import { isAhead, waitUntil } from "../base/clock.js";
import { TASKS, type Task, type Wear } from "./log.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

/** This many refreshes leave some hundreds of loose objects, too few to slow a fetch down. */
const TIDY_AFTER_REFRESHES = 100;
/** Loose refs are six times as slow as packed ones; the cost becomes measurable at about a thousand. */
const TIDY_AFTER_REFS = 1_000;
/** A bitmap costs as much processor time as some 25 clones save with it. */
const BITMAP_AFTER_CLONES = 25;
/** A busy mirror is usually quiet again after this time. */
const YIELDED_MS = 5 * 60_000;
const MAX_PUT_OFF_MS = DAY_MS;

/** Unreachable objects stay this long, for restored branches and for long-running clones of the mirror. */
export const GRACE_MS = 14 * DAY_MS;

/** Whether a mirror needs a task now. Pure. */
export function isDue(task: Task, id: number, wear: Wear, now: number): boolean {
  return waitUntil(wear.runs[task].retryAt, now, MAX_PUT_OFF_MS) === 0 && RULES[task](wear, now, id);
}

/** Returns the age of a stored time in milliseconds; a time of a clock that was ahead counts as long ago. */
const age = (at: number, now: number): number => (isAhead(at, now) ? Number.POSITIVE_INFINITY : now - at);

export const dueTasks = (id: number, wear: Wear, now: number): Task[] =>
  TASKS.filter((task) => isDue(task, id, wear, now));

const RULES: Record<Task, (wear: Wear, now: number, id: number) => boolean> = {
  tidy: ({ refreshes, refs, changedAt }, now) =>
    refreshes >= TIDY_AFTER_REFRESHES ||
    refs >= TIDY_AFTER_REFS ||
    (changedAt !== null && age(changedAt, now) >= DAY_MS),
  // A prune rewrites every pack, so it runs at most once a week, and only when something can be dropped.
  prune: ({ unreachableAt, runs }, now) =>
    unreachableAt !== null && Math.min(age(unreachableAt, now), age(runs.prune.doneAt ?? 0, now)) >= WEEK_MS,
  // Full clones alone gain from it, and it ages with each push.
  bitmap: ({ clones, runs }, now) =>
    clones >= BITMAP_AFTER_CLONES && age(runs.bitmap.doneAt ?? 0, now) >= WEEK_MS,
  check: ({ seenAt, runs }, now, id) =>
    runs.check.doneAt === null ? age(seenAt, now) >= turnOf(id) : age(runs.check.doneAt, now) >= WEEK_MS,
};

/**
 * Returns the mirror's time within the week, so that mirrors cloned together are not all checked together.
 */
const turnOf = (id: number): number => Math.floor(((id % 10_007) / 10_007) * WEEK_MS);

/** Returns the delay before a task is retried that failed or yielded to a refresh `failures` times. */
export const putOffMs = (failures: number, { hasYielded }: { hasYielded: boolean }): number =>
  Math.min((hasYielded ? YIELDED_MS : HOUR_MS) * 2 ** failures, MAX_PUT_OFF_MS);
