import cron, { type ScheduledTask } from "node-cron";

/**
 * Returns the cron expression closest to an interval. cron counts within minutes and hours: an interval that
 * does not divide them (7m) would leave a short gap at each full hour, so the next shorter divisor is used.
 * @param intervalMs 1 s to 24 h
 */
export function cronExpression(intervalMs: number): string {
  const seconds = Math.round(intervalMs / 1000);
  if (seconds < 60) return `*/${divisor(seconds, 60)} * * * * *`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `*/${divisor(minutes, 60)} * * * *`;
  const hours = Math.min(24, Math.floor(minutes / 60));
  return hours === 24 ? "0 0 * * *" : `0 */${divisor(hours, 24)} * * *`;
}

function divisor(wanted: number, of: number): number {
  let best = wanted;
  while (of % best !== 0) best--;
  return best;
}

export interface Backstop {
  stop(): Promise<void>;
}

/**
 * The backstop finds what no delivery reported. Passes never overlap, and a random delay of up to a tenth of
 * the interval keeps many servers from asking GitHub in the same second.
 * @param intervalMs null turns the backstop off
 */
export function startBackstop(
  name: string,
  intervalMs: number | null,
  pass: () => Promise<void> | void,
): Backstop {
  if (intervalMs === null) return { stop: async () => {} };
  const task: ScheduledTask = cron.schedule(cronExpression(intervalMs), () => pass(), {
    name,
    noOverlap: true,
    maxRandomDelay: Math.floor(intervalMs / 10),
    suppressMissedWarning: true,
  });
  return { stop: async () => void (await task.destroy()) };
}
