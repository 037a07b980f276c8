/** Keeps the event loop busy, as slow work on it does, so that a loop is long on every machine. @param ms how long */
export function keepBusy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/**
 * Counts how often other work runs. A timer would not do: a loop that ends within a millisecond or two of its last
 * pause leaves no room for one.
 * @returns a function that stops the count and returns it
 */
export function countTurns(): () => number {
  let turns = 0;
  let next = setImmediate(function count() {
    turns += 1;
    next = setImmediate(count);
  });
  return () => {
    clearImmediate(next);
    return turns;
  };
}
