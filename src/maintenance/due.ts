import { TASKS, type Task, type Wear } from "./log.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

/** So many refreshes leave some hundreds of loose objects: a fetch does not feel them yet. */
const TIDY_AFTER_REFRESHES = 100;
/** Loose refs are six times as slow as packed ones; a thousand begin to show. */
const TIDY_AFTER_REFS = 1_000;
/** It was busy just now; most are quiet again soon. */
const YIELDED_MS = 5 * 60_000;
const MAX_PUT_OFF_MS = DAY_MS;

/** A restored branch, or a clone of the mirror that runs for long, finds its objects for so long. */
export const GRACE_MS = 14 * DAY_MS;

/** Whether a mirror needs a task now. Pure. */
export function isDue(task: Task, id: number, wear: Wear, now: number): boolean {
  return now >= wear.runs[task].retryAt && RULES[task](wear, now, id);
}

export const dueTasks = (id: number, wear: Wear, now: number): Task[] =>
  TASKS.filter((task) => isDue(task, id, wear, now));

const RULES: Record<Task, (wear: Wear, now: number, id: number) => boolean> = {
  tidy: ({ refreshes, refs, changedAt }, now) =>
    refreshes >= TIDY_AFTER_REFRESHES ||
    refs >= TIDY_AFTER_REFS ||
    (changedAt !== null && now - changedAt >= DAY_MS),
  // It rewrites every pack: once a week, and only for something to drop.
  prune: ({ unreachableAt, runs }, now) =>
    unreachableAt !== null && now - Math.max(unreachableAt, runs.prune.doneAt ?? 0) >= WEEK_MS,
  check: ({ seenAt, runs }, now, id) => now - (runs.check.doneAt ?? seenAt - WEEK_MS + turnOf(id)) >= WEEK_MS,
};

/** Where in the week a mirror has its turn: those that came together are not all checked together. */
const turnOf = (id: number): number => Math.floor(((id % 10_007) / 10_007) * WEEK_MS);

/** How long a task is put off that failed, or had to yield to a refresh, `failures` times before. */
export const putOffMs = (failures: number, { hasYielded }: { hasYielded: boolean }): number =>
  Math.min((hasYielded ? YIELDED_MS : HOUR_MS) * 2 ** failures, MAX_PUT_OFF_MS);
