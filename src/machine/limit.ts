import { monotonicMs } from "../base/clock.js";

/**
 * Why a process is ended early. `stalled`: it made no progress. `abandoned`: the reader of its output, or the writer of
 * its input, is gone.
 */
export type EndReason = "timeout" | "stalled" | "cancelled" | "abandoned";

/** A process that makes no progress for so long is ended. */
export interface Stall {
  /** In milliseconds. */
  ms: number;
  /** Returns a number that grows with the progress. */
  progress(): number;
}

/** A stall is noticed this much later at most, as a part of its time. */
const LOOKS_IN_A_STALL = 4;

/**
 * A limit says when a process must end: at its deadline, when it stalls, when a signal aborts, or when its owner says
 * so.
 */
export interface Limit {
  /** The signal aborts once, with the first reason. */
  readonly signal: AbortSignal;
  /** Returns the reason; null: the limit is not reached. */
  reason(): EndReason | null;
  end(reason: EndReason): void;
  /** Says that the process shows signs of life, so that it has not stalled. */
  alive(): void;
  /** Stops the timers and stops listening to the caller's signal. */
  release(): void;
}

export function startLimit(options: {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  stall?: Stall | undefined;
}): Limit {
  const { timeoutMs, signal, stall } = options;
  const controller = new AbortController();
  const end = (reason: EndReason) => controller.abort(reason);
  const timer = setTimeout(end, timeoutMs, "timeout");
  const watch = watchForStall(stall, () => end("stalled"));
  const onAbort = () => end("cancelled");
  if (signal) onceAborted(signal, onAbort);
  return {
    signal: controller.signal,
    reason: () => (controller.signal.aborted ? (controller.signal.reason as EndReason) : null),
    end,
    alive: watch.alive,
    release() {
      clearTimeout(timer);
      watch.stop();
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

function watchForStall(stall: Stall | undefined, onStall: () => void) {
  if (!stall) return { alive() {}, stop() {} };
  let aliveAt = monotonicMs();
  let seen = stall.progress();
  const alive = () => {
    aliveAt = monotonicMs();
  };
  const look = () => {
    const progress = stall.progress();
    if (progress !== seen) alive();
    seen = progress;
    if (monotonicMs() - aliveAt >= stall.ms) onStall();
  };
  const timer = setInterval(look, stall.ms / LOOKS_IN_A_STALL);
  return { alive, stop: () => clearInterval(timer) };
}

/** Calls `act` once the signal aborts, or at once when the signal has already aborted. */
export function onceAborted(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act, { once: true });
}
