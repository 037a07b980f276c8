import { createSpread } from "../base/spread.js";

/**
 * Lets readers go on one after the other, each in a turn of the event loop of its own: what a crowd has waited for comes to
 * all of them at once, and nothing else would run until the last of them has its answer.
 * @returns what resolves when it is the caller's turn
 */
export function createTurns(): () => Promise<void> {
  const spread = createSpread(1);
  return () => new Promise<void>((resolve) => spread(resolve));
}
