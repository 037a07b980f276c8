interface Options {
  /** Without a reading of Redis for this long, what was seen before says nothing about silence. Milliseconds. */
  deadMs: number;
  /** A monotonic clock, in milliseconds. */
  clock(): number;
}

/** For how long each node has been silent, as far as this node can tell. */
export interface Liveness {
  /** Records a complete reading of Redis. @param heard the nodes whose beats are other than in the last reading */
  read(heard: Iterable<string>): void;
  /**
   * Returns for how long the node has been silent, in milliseconds. Only time counts in which this node has reached Redis
   * without a break: a Redis that is away or was emptied says nothing about any node.
   */
  silentMs(name: string): number;
  /** Whether Redis was read within `deadMs`. */
  hasReached(): boolean;
}

export function createLiveness({ deadMs, clock }: Options): Liveness {
  const heardAt = new Map<string, number>();
  let [reachedSince, readAt] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return {
    read(heard) {
      const now = clock();
      if (now - readAt > deadMs) reachedSince = now;
      readAt = now;
      for (const name of heard) heardAt.set(name, now);
    },
    silentMs(name) {
      if (readAt === Number.NEGATIVE_INFINITY) return 0;
      return readAt - Math.max(heardAt.get(name) ?? reachedSince, reachedSince);
    },
    hasReached: () => clock() - readAt <= deadMs,
  };
}
