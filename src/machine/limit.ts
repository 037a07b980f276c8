/** Why a process is ended before it ends by itself; `abandoned`: who takes its output, or gives its input, is gone. */
export type EndReason = "timeout" | "cancelled" | "abandoned";

/** When a process is to end: at its deadline, when a signal aborts, or when somebody says so. */
export interface Limit {
  /** Aborts once, with the first reason. */
  readonly signal: AbortSignal;
  /** The reason; null: the limit is not reached. */
  reason(): EndReason | null;
  end(reason: EndReason): void;
  /** Lets go of the clock and of the caller's signal. */
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

/** Calls back at once when the signal has aborted already. */
export function onceAborted(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act, { once: true });
}
