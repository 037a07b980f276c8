/**
 * Lets readers go on one after the other, each in a turn of the event loop of its own: what a crowd has waited for comes to
 * all of them at once, and nothing else would run until the last of them has its answer.
 * @returns what resolves when it is the caller's turn
 */
export function createTurns(): () => Promise<void> {
  const waiting = new Set<() => void>();
  function go(): void {
    for (const next of waiting) {
      waiting.delete(next);
      next();
      break;
    }
    if (waiting.size > 0) setImmediate(go);
  }
  return () =>
    new Promise<void>((resolve) => {
      waiting.add(resolve);
      if (waiting.size === 1) setImmediate(go);
    });
}
