/** What follows from so many calls takes some milliseconds. */
const AT_A_TIME = 8;

/**
 * Calls functions a few in each turn of the event loop. Thousands of promises that settle together would have all that
 * follows from them run in one turn, before anything else.
 */
export function createSpread(atATime = AT_A_TIME): (act: () => void) => void {
  let waiting: (() => void)[] = [];
  let next = 0;
  const run = () => {
    const to = Math.min(next + atATime, waiting.length);
    while (next < to) waiting[next++]!();
    if (next < waiting.length) {
      setImmediate(run);
      return;
    }
    waiting = [];
    next = 0;
  };
  return (act) => {
    waiting.push(act);
    if (waiting.length === 1) setImmediate(run);
  };
}

/**
 * Lets a few callers go on in each turn of the event loop, and has the others wait for theirs, in order. A client that
 * sends thousands of requests at once would otherwise have all of them answered before anything else.
 * @returns a function; undefined: go on at once
 */
export function createTurns(atATime = AT_A_TIME): () => Promise<void> | undefined {
  const spread = createSpread(atATime);
  let [inThisTurn, waiting] = [0, 0];
  return () => {
    if (waiting === 0 && inThisTurn < atATime) {
      if (inThisTurn === 0)
        setImmediate(() => {
          inThisTurn = 0;
        });
      inThisTurn += 1;
      return undefined;
    }
    waiting += 1;
    return new Promise((resolve) => {
      spread(() => {
        waiting -= 1;
        resolve();
      });
    });
  };
}
