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
