/**
 * Runs what writes to a mirror: one at a time for each repository, in the order of the calls. A call within `act`
 * for the same repository would wait for itself.
 * @throws the signal's reason when the signal fires before `act` begins
 */
export type Write = <T>(id: number, signal: AbortSignal, act: () => Promise<T>) => Promise<T>;

/** Keeps refreshes, fetches of missing contents and changes of pins of one repository apart. */
export function createWriters(): Write {
  const last = new Map<number, Promise<void>>();
  return async (id, signal, act) => {
    const before = last.get(id);
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    // A writer that gave up while it waited must not let the next one overtake those before it.
    const line = Promise.all([before, ended]).then(() => {
      if (last.get(id) === line) last.delete(id);
    });
    last.set(id, line);
    try {
      if (before) await endOrAbort(before, signal);
      signal.throwIfAborted();
      return await act();
    } finally {
      end();
    }
  };
}

function endOrAbort(before: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      signal.removeEventListener("abort", go);
      resolve();
    };
    if (signal.aborted) go();
    else signal.addEventListener("abort", go, { once: true });
    void before.then(go);
  });
}
