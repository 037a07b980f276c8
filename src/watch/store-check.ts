/** The check writes to the disk, so open pages and monitors share one result for this long, in milliseconds. */
const SHARED_MS = 3_000;

/**
 * Returns a function that says why the database cannot be written; null: it can be.
 * @param probe throws when nothing can be written
 * @param clock the monotonic clock, in milliseconds
 */
export function createStoreCheck(probe: () => void, clock: () => number): () => string | null {
  let last: { at: number; fault: string | null } | undefined;
  return () => {
    if (!last || clock() - last.at >= SHARED_MS) last = { at: clock(), fault: faultOf(probe) };
    return last.fault;
  };
}

function faultOf(probe: () => void): string | null {
  try {
    probe();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
