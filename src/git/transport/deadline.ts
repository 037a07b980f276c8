/** How long an answer may take, in milliseconds. */
export interface Times {
  timeoutMs: number;
  /** Default: only the whole answer has a time. */
  stallMs?: number;
}

export interface Deadline {
  /** Aborts once a time is over. */
  signal: AbortSignal;
  /** Returns the time that is over, in milliseconds; null: none is. */
  lateMs(): number | null;
  /** Stops the timers. */
  release(): void;
}

/** A stall is noticed this much later at most, as a part of its time. */
const LOOKS_IN_A_STALL = 4;

/** @param progress returns a number that grows as the answer arrives */
export function startDeadline({ timeoutMs, stallMs }: Times, progress: () => number): Deadline {
  const controller = new AbortController();
  let lateMs: number | null = null;
  const end = (ms: number) => {
    lateMs ??= ms;
    controller.abort();
  };
  const timer = setTimeout(end, timeoutMs, timeoutMs);
  const look = stallMs === undefined ? null : watch(stallMs, progress, () => end(stallMs));
  return {
    signal: controller.signal,
    lateMs: () => lateMs,
    release() {
      clearTimeout(timer);
      if (look) clearInterval(look);
    },
  };
}

function watch(stallMs: number, progress: () => number, onStall: () => void): NodeJS.Timeout {
  let seen = progress();
  let quietLooks = 0;
  return setInterval(() => {
    const now = progress();
    quietLooks = now === seen ? quietLooks + 1 : 0;
    seen = now;
    if (quietLooks >= LOOKS_IN_A_STALL) onStall();
  }, stallMs / LOOKS_IN_A_STALL);
}
