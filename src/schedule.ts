export interface Backstop {
  stop(): Promise<void>;
}

export interface Passes {
  pass(): Promise<void> | void;
  /** Called with what a pass has thrown; the next pass comes all the same. */
  onFault(error: unknown): void;
  random?: () => number;
}

/** A random part of the interval, of up to this share, keeps many servers from asking GitHub in the same second. */
const JITTER = 0.1;

/**
 * The backstop finds what no delivery reported. Passes never overlap. The interval is a timer's and not the wall
 * clock's: a clock that is set back delays no pass.
 * @param intervalMs null turns the backstop off
 */
export function startBackstop(
  intervalMs: number | null,
  { pass, onFault, random = Math.random }: Passes,
): Backstop {
  if (intervalMs === null) return { stop: async () => {} };
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  const wait = (ms: number, then: () => void) => {
    if (!isStopped) timer = setTimeout(then, ms);
  };

  /** The next pass begins an interval after this one began, or at once after one that took longer. */
  async function run(): Promise<void> {
    const beganAt = performance.now();
    try {
      await pass();
    } catch (error) {
      onFault(error);
    }
    wait(Math.max(0, nextIn(intervalMs!) - (performance.now() - beganAt)), () => void run());
  }

  const nextIn = (ms: number) => ms * (1 - JITTER * random());
  wait(nextIn(intervalMs), () => void run());
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
