import { asRefreshError } from "../base/errors.js";

interface Log {
  warn(details: object, message: string): void;
}

/** What keeps old trees from being removed: it fails nothing, and is told once, though every look meets it again. */
export function createObstacles(log: Log) {
  const told = new Set<string>();

  function met(path: string, error: unknown): void {
    if (told.has(path)) return;
    told.add(path);
    const { message: reason, hint } = asRefreshError(error);
    log.warn({ path, reason, hint }, "what is no longer needed cannot be removed; it is tried again");
  }

  return {
    met,
    /** @returns whether what is at the path could be removed */
    pass(path: string, remove: () => void): boolean {
      try {
        remove();
        told.delete(path);
        return true;
      } catch (error) {
        met(path, error);
        return false;
      }
    },
  };
}

export type Obstacles = ReturnType<typeof createObstacles>;
