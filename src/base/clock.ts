/**
 * Two clocks are used, each for what it is right about:
 * - The monotonic clock (`monotonicMs`) measures waits, pauses and ages within the process. Nobody can set it.
 * - The wall clock (`Date.now`) dates what is stored or shown. An operator or NTP may set it back or ahead at any
 *   moment, so a stored time is bounded by `isAhead` or `ageOf` when it is read.
 * - The steady clock (`steadyNow`) is both: the wall clock's time at the start of the process, carried on by the
 *   monotonic clock. What is stored to be waited for has its time, such as when a request of the queue is due.
 * GitHub's own clock, the Date of its answers, orders GitHub's answers, and measures what GitHub limits in time.
 */

/** Returns milliseconds of a clock that only goes forward, counted from the start of the process. */
export const monotonicMs = (): number => performance.now();

/**
 * NTP corrects a running clock by less than this, in milliseconds. A stored time that is further ahead of the clock
 * was stored while the clock was wrong, and says nothing about when it was stored.
 */
const MAX_STEP_MS = 5 * 60_000;

/** Returns the latest stored time that is believed, in milliseconds; `isAhead` of later ones is true. */
export const latestBelieved = (now: number): number => now + MAX_STEP_MS;

/** Whether a stored time is so far ahead that it was stored while the clock was wrong. Both in milliseconds. */
export const isAhead = (at: number, now: number): boolean => at > latestBelieved(now);

/** Returns the age of a stored time in milliseconds, which is never negative. */
export const ageOf = (at: number, now: number): number => Math.max(0, now - at);

/**
 * Returns how long to wait until a stored time, in milliseconds; 0: the time has come.
 * @param longestMs the longest wait that was ever stored: a longer one was stored while the clock was wrong
 */
export const waitUntil = (at: number, now: number, longestMs: number): number =>
  at - now > longestMs ? 0 : Math.max(0, at - now);

export interface Stopwatch {
  /** Returns the milliseconds since the start, whatever happened to the wall clock. */
  elapsedMs(): number;
}

/** @param clock a monotonic clock */
export function startStopwatch(clock: () => number = monotonicMs): Stopwatch {
  const startedAt = clock();
  return { elapsedMs: () => clock() - startedAt };
}

/**
 * Makes a clock that no step of the machine's clock moves: it starts at the machine's time and goes on by
 * `performance.now()`. Waits within the process go by such a clock.
 * https://nodejs.org/api/perf_hooks.html#performancenow
 * @returns a function that returns milliseconds since 1970, as far as the machine's clock was right at the
 * start
 */
export function createSteadyClock(
  wall: () => number = Date.now,
  elapsed: () => number = () => performance.now(),
): () => number {
  const startedAt = wall() - elapsed();
  return () => Math.round(startedAt + elapsed());
}

/** The steady clock of this process, in milliseconds since 1970. */
export const steadyNow = createSteadyClock();
