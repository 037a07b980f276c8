import { asRefreshError } from "../base/errors.js";

interface Log {
  warn(details: object, message: string): void;
}

/**
 * Old trees that cannot be removed. A failed removal fails nothing else and is reported once, although every
 * sweep retries it.
 */
export function createObstacles(log: Log) {
  const reported = new Set<string>();

  function report(path: string, error: unknown): void {
    if (reported.has(path)) return;
    reported.add(path);
    const { message: reason, hint } = asRefreshError(error);
    log.warn(
      { event: "removal_obstructed", path, reason, hint },
      "obsolete files could not be removed; Lockstep will try again",
    );
  }

  return {
    report,
    /** @returns whether the path could be removed */
    pass(path: string, remove: () => void): boolean {
      try {
        remove();
        reported.delete(path);
        return true;
      } catch (error) {
        report(path, error);
        return false;
      }
    },
  };
}

export type Obstacles = ReturnType<typeof createObstacles>;
