const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * Lists prove heads and tags each INTERVAL. With the backstop off, and for custom refs, only full comparisons
 * prove anything, so the bound is loose.
 * @param intervalMs null: the backstop is off
 * @param fullFetchMs 0: REFSPECS has branches and tags only
 */
export const staleAfter = (intervalMs: number | null, fullFetchMs: number): number =>
  Math.max(intervalMs === null ? 48 * HOUR : 3 * intervalMs, 15 * MINUTE, 1.5 * fullFetchMs);
