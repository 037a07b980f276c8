/**
 * Why a process is ended early. `abandoned`: the reader of its output, or the writer of its input, is gone.
 */
export type EndReason = "timeout" | "cancelled" | "abandoned";

/** A limit says when a process must end: at its deadline, when a signal aborts, or when its owner says so. */
export interface Limit {
  /** The signal aborts once, with the first reason. */
  readonly signal: AbortSignal;
  /** Returns the reason; null: the limit is not reached. */
  reason(): EndReason | null;
  end(reason: EndReason): void;
  /** Stops the timer and stops listening to the caller's signal. */
  release(): void;
}

export function startLimit(options: { timeoutMs: number; signal?: AbortSignal | undefined }): Limit {
  const { timeoutMs, signal } = options;
  const controller = new AbortController();
  const end = (reason: EndReason) => controller.abort(reason);
  const timer = setTimeout(end, timeoutMs, "timeout");
  const onAbort = () => end("cancelled");
  if (signal) onceAborted(signal, onAbort);
  return {
    signal: controller.signal,
    reason: () => (controller.signal.aborted ? (controller.signal.reason as EndReason) : null),
    end,
    release() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

/** Calls `act` once the signal aborts, or at once when the signal has already aborted. */
export function onceAborted(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act, { once: true });
}
