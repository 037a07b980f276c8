/** Each write takes some 0.2 ms, and nothing else runs meanwhile. */
const MOST_AT_ONCE = 64;

interface Ports {
  /** Runs writes in one transaction that need not survive a power cut yet. @throws what a write, or the commit, throws */
  commit(writes: () => void): void;
  /** Makes every commit before the call survive a power cut. The event loop does not wait for it. */
  sync(): Promise<void>;
}

/** Returns what `write` returned, once that is on disk. @throws what `write` threw, or why it is not on disk */
export type GroupCommit = <T>(write: () => T) => Promise<T>;

interface Waiting {
  /** @returns what ends the wait once the write is on disk */
  write(): () => void;
  fail(error: unknown): void;
}

/**
 * Has writes that come together share one transaction and one sync. While a sync goes on, the next writes gather, so
 * a slow disk makes the groups larger, not the waits longer. A write that fails fails alone: the others of its group
 * are committed without it.
 */
export function createGroupCommit({ commit, sync }: Ports): GroupCommit {
  let waiting: Waiting[] = [];
  let isBusy = false;

  /** @returns what ends the waits of those that were committed */
  function commitAll(group: readonly Waiting[]): { end(): void; fail(error: unknown): void }[] {
    const committed: { end(): void; fail(error: unknown): void }[] = [];
    const write = (some: readonly Waiting[]) => {
      const ends: (() => void)[] = [];
      commit(() => {
        for (const one of some) ends.push(one.write());
      });
      some.forEach(({ fail }, n) => {
        committed.push({ end: ends[n]!, fail });
      });
    };
    try {
      write(group);
    } catch {
      for (const one of group) {
        try {
          write([one]);
        } catch (error) {
          one.fail(error);
        }
      }
    }
    return committed;
  }

  async function commitSome(): Promise<void> {
    const group = waiting.slice(0, MOST_AT_ONCE);
    waiting = waiting.slice(MOST_AT_ONCE);
    const committed = commitAll(group);
    try {
      if (committed.length > 0) await sync();
      for (const { end } of committed) end();
    } catch (error) {
      for (const { fail } of committed) fail(error);
    }
    if (waiting.length > 0) setImmediate(commitSome);
    else isBusy = false;
  }

  return (write) =>
    new Promise((resolve, reject) => {
      waiting.push({
        write() {
          const result = write();
          return () => resolve(result);
        },
        fail: reject,
      });
      if (isBusy) return;
      isBusy = true;
      // Whatever else has arrived in this turn of the event loop joins the group.
      setImmediate(commitSome);
    });
}
