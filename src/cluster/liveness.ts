interface Options {
  /** Without a reading of Redis for this long, what was seen before says nothing about silence. Milliseconds. */
  deadMs: number;
  /** A monotonic clock, in milliseconds. */
  clock(): number;
}

/**
 * The time between two readings counts as this part of `deadMs` at most. What held this node or Redis up for nearly `deadMs`
 * has held up the beats of the others as well, which come right after.
 */
const MOST_OF_DEAD = 1 / 2;

/** For how long each node has been silent, as far as this node can tell. */
export interface Liveness {
  /** Records a complete reading of Redis. @param heard the nodes whose beats are other than in the last reading */
  read(heard: Iterable<string>): void;
  /**
   * Returns for how long the node has been silent, in milliseconds. Only time counts in which this node has reached Redis
   * without a break: a Redis that is away or was emptied says nothing about any node, and one that is slow says little.
   */
  silentMs(name: string): number;
  /** Whether Redis was read within `deadMs`. */
  hasReached(): boolean;
}

export function createLiveness({ deadMs, clock }: Options): Liveness {
  /** By `counted`, the time that readings have covered, in milliseconds. */
  const heardAt = new Map<string, number>();
  let [counted, reachedSince, readAt] = [0, 0, Number.NEGATIVE_INFINITY];
  return {
    read(heard) {
      const now = clock();
      const gap = now - readAt;
      readAt = now;
      if (gap > deadMs) reachedSince = counted;
      else counted += Math.min(gap, deadMs * MOST_OF_DEAD);
      for (const name of heard) heardAt.set(name, counted);
    },
    silentMs: (name) => counted - Math.max(heardAt.get(name) ?? reachedSince, reachedSince),
    hasReached: () => clock() - readAt <= deadMs,
  };
}
