/** Runs the tasks of each repository one at a time, in the order of their calls. */
export function createTurns() {
  const last = new Map<number, Promise<unknown>>();
  /** The checks that run, or wait for their turn, by repository. */
  const checks = new Map<number, Set<AbortController>>();
  const inTurn = <T>(id: number, act: () => Promise<T>): Promise<T> => {
    const turn = (last.get(id) ?? Promise.resolve()).then(act);
    const settled = turn
      .catch(() => {})
      .then(() => {
        if (last.get(id) === settled) last.delete(id);
      });
    last.set(id, settled);
    return turn;
  };

  /** Runs a task that ends early when `endChecks` is called; it begins with a signal that has not fired. */
  async function check(id: number, act: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const abort = new AbortController();
    const all = checks.get(id) ?? new Set();
    checks.set(id, all.add(abort));
    try {
      await inTurn(id, async () => {
        if (!abort.signal.aborted) await act(abort.signal);
      });
    } finally {
      all.delete(abort);
      if (all.size === 0 && checks.get(id) === all) checks.delete(id);
    }
  }

  /** Ends the repository's checks. @param id null: those of every repository */
  function endChecks(id: number | null): void {
    const ended = id === null ? [...checks.values()] : [checks.get(id) ?? []];
    for (const all of ended) for (const abort of all) abort.abort();
  }

  return Object.assign(inTurn, { check, endChecks, idle: () => Promise.all([...last.values()]) });
}

export type Turns = ReturnType<typeof createTurns>;
