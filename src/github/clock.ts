import { monotonicMs } from "../base/clock.js";

/** GitHub's clock, as the answers to this process tell it. */
export interface HeardClock {
  /** @param date the Date header of an answer that came just now */
  hear(date: string | null): void;
  /**
   * Returns the earlier of this machine's clock and GitHub's, in milliseconds since 1970. What is deleted by its age
   * goes by this time: one wrong clock deletes nothing too early. Before GitHub's first answer it is -Infinity.
   */
  earliest(): number;
  /** Returns the later of the two. What is kept for a time counts from it, so that none of the two shortens it. */
  latest(): number;
}

/** @param clock a monotonic clock, in milliseconds, which carries GitHub's time on between two answers */
export function createHeardClock(wall: () => number = Date.now, clock = monotonicMs): HeardClock {
  let startedAt = Number.NEGATIVE_INFINITY;
  return {
    hear(date) {
      const at = Date.parse(date ?? "");
      if (!Number.isNaN(at)) startedAt = at - clock();
    },
    latest: () => Math.max(wall(), startedAt + clock()),
    earliest: () => Math.min(wall(), startedAt + clock()),
  };
}
