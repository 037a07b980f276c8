/**
 * Runs a task, and measures the longest turn of the event loop meanwhile by the processor time of this process, in
 * milliseconds: how much else the machine has to do does not count.
 */
export async function longestTurn(task: () => Promise<unknown>): Promise<number> {
  let [longestMs, isDone] = [0, false];
  let before = process.cpuUsage();
  const turn = () => {
    const { user, system } = process.cpuUsage(before);
    longestMs = Math.max(longestMs, (user + system) / 1000);
    before = process.cpuUsage();
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    await task();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  } finally {
    isDone = true;
  }
  return longestMs;
}
