import type { Store } from "../store/database.js";

/** So many generations are claimed at a time; those that a restart leaves out are never given. */
const CLAIMED_AT_ONCE = 1_000;

/**
 * Counts triggers, so that what came in during a run is distinguished from what came before. Within a transaction.
 * @returns a number above all that were given before, also by an earlier process
 */
export function createGenerations(store: Store): () => number {
  const read = store.prepare("SELECT value FROM counter WHERE name = 'generation'");
  const claim = store.prepare("UPDATE counter SET value = ? WHERE name = 'generation'");
  let last = Number(read.get()?.value);
  let claimed = last;
  // The claim itself may be undone.
  store.onUndone(() => {
    claimed = last;
  });
  return () => {
    if (last === claimed) {
      claim.run(last + CLAIMED_AT_ONCE);
      claimed = last + CLAIMED_AT_ONCE;
    }
    last += 1;
    return last;
  };
}
