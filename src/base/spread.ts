/** What follows from so many calls takes some milliseconds. */
const AT_A_TIME = 8;

/**
 * Calls functions a few in each turn of the event loop. Thousands of promises that settle together would have all that
 * follows from them run in one turn, before anything else.
 */
export function createSpread(atATime = AT_A_TIME): (act: () => void) => void {
  const waiting: (() => void)[] = [];
  let isScheduled = false;
  function schedule(): void {
    if (isScheduled || waiting.length === 0) return;
    isScheduled = true;
    setImmediate(run);
  }
  function run(): void {
    isScheduled = false;
    for (const act of waiting.splice(0, atATime)) act();
    schedule();
  }
  return (act) => {
    waiting.push(act);
    schedule();
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
