import type { Subject } from "../base/model.js";

/**
 * What kind of work a run does, which decides whose slots it takes.
 * - short: a refresh of a mirror that exists.
 * - long: a first clone, a rebuild, or a short run that has not ended after 5 s.
 * - list: reading a list of GitHub's (the App's installations, an installation's repositories).
 * - publish: publishing the trees of a mirror, without a refresh.
 */
export const WORK_CLASSES = ["short", "long", "list", "publish"] as const;
export type WorkClass = (typeof WORK_CLASSES)[number];

/** How many runs of each class there are at most at a time. */
export type Slots = Readonly<Record<WorkClass, number>>;

/**
 * Derives the slots from CONCURRENCY. Each run has one git process at a time, so the sum, at most two and a
 * half times CONCURRENCY (plus one for the smallest values), bounds the load.
 */
export function slotsOf(concurrency: number): Slots {
  const half = Math.max(1, Math.floor(concurrency / 2));
  return { short: concurrency, long: half, list: Math.max(2, half), publish: half };
}

/**
 * Returns the class of a subject's next run.
 * @param needsClone whether the repository has no mirror yet
 */
export function classOfSubject({ kind, id }: Subject, needsClone: (id: number) => boolean): WorkClass {
  if (kind === "repository") return needsClone(id) ? "long" : "short";
  return kind === "publish" ? "publish" : "list";
}
