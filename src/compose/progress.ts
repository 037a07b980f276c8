import { monotonicMs } from "../base/clock.js";
import type { Log } from "../base/log.js";
import type { RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";

/** The clone of a large repository logs its progress at this interval. */
const PROGRESS_EVERY_MS = 10_000;

/** @returns a function that logs git's progress from time to time */
export function logProgress(log: Log, what: string) {
  let loggedAt = Number.NEGATIVE_INFINITY;
  return (repository: RepositoryName, progress: string) => {
    if (monotonicMs() - loggedAt < PROGRESS_EVERY_MS) return;
    loggedAt = monotonicMs();
    log.info({ event: "progress", repository: fullName(repository), progress }, what);
  };
}
