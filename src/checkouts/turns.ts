/** Runs the tasks of each repository one at a time, in the order of their calls. */
export function createTurns() {
  const last = new Map<number, Promise<unknown>>();
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
  return Object.assign(inTurn, { idle: () => Promise.all([...last.values()]) });
}

export type Turns = ReturnType<typeof createTurns>;
