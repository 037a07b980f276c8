/** How long until a job that this version cannot read is tried again, in milliseconds. */
export const LATER_JOB_RETRY_MS = 60_000;

/** Jobs of a later version of this program: they wait in Redis until this node is upgraded. */
export interface LaterJobs {
  /** Notes that one was just met. */
  note(): void;
  /** Whether there are some. */
  areWaiting(): boolean;
}

/** @param clock the monotonic clock, in milliseconds */
export function createLaterJobs(clock: () => number): LaterJobs {
  let metAt = Number.NEGATIVE_INFINITY;
  return {
    note() {
      metAt = clock();
    },
    // One that still waits is met again in time.
    areWaiting: () => clock() - metAt < 2 * LATER_JOB_RETRY_MS,
  };
}
