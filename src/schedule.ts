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
  /** Begins a pass now. @returns false: a pass goes on, and another one follows it */
  begin(): boolean;
  stop(): Promise<void>;
}

export interface Passes {
  pass(): Promise<void> | void;
  /** Called with what a pass has thrown; the next pass comes all the same. */
  onFault(error: unknown): void;
}

/**
 * The backstop finds what no delivery reported. Passes never overlap, and a random delay of up to a tenth of
 * the interval keeps many servers from asking GitHub in the same second. When the clock is set, the cron job starts
 * again: it would otherwise wait until the clock shows the time of its next pass.
 * @param intervalMs null: passes come only when they are asked for
 */
export function startBackstop(name: string, intervalMs: number | null, { pass, onFault }: Passes): Backstop {
  let running = false;
  let isAsked = false;

  async function run(): Promise<void> {
    if (running) return;
    running = true;
    do {
      isAsked = false;
      try {
        await pass();
      } catch (error) {
        onFault(error);
      }
    } while (isAsked);
    running = false;
  }

  function begin(): boolean {
    isAsked = running;
    void run();
    return !isAsked;
  }

  if (intervalMs === null)
    return {
      begin,
      async stop() {
        isAsked = false;
      },
    };
  const schedule = (): ScheduledTask =>
    cron.schedule(cronExpression(intervalMs), run, {
      name,
      noOverlap: true,
      maxRandomDelay: Math.floor(intervalMs / 10),
      suppressMissedWarning: true,
    });

  let task = schedule();
  const endWatch = watchClock(() => {
    void task.destroy();
    task = schedule();
  });
  return {
    begin,
    async stop() {
      isAsked = false;
      endWatch();
      await task.destroy();
    },
  };
}

/** NTP slews a clock by less than this between two looks. */
const STEP_MS = 2_000;
const LOOK_EVERY_MS = 10_000;

/** Calls `onStep` soon after the wall clock was set. @returns a function that ends the watch */
function watchClock(onStep: () => void): () => void {
  const offset = () => Date.now() - performance.now();
  let known = offset();
  const timer = setInterval(() => {
    const now = offset();
    const isStep = Math.abs(now - known) > STEP_MS;
    known = now;
    if (isStep) onStep();
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
