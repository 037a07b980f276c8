import { subjectOfKey } from "../base/model.js";
import type { Subscribe } from "../base/signal.js";
import { createSpread } from "../base/spread.js";
import type { SettledOutcome } from "../http/view.js";
import type { RefreshQueue } from "../queue/contract.js";
import type { Settled } from "../worker.js";

interface Ports {
  queue: Pick<RefreshQueue, "isPending">;
  /** Reports that a run has ended. */
  onSettled: Subscribe<[Settled]>;
}

type Tell = (outcome: SettledOutcome) => void;

/**
 * Waits until a repository is refreshed and its trees are published, or a run of either has failed. However many clients
 * wait for a repository, the queue is asked once when a run ends, and they are answered a few at a time.
 */
export function createSettled({ queue, onSettled }: Ports) {
  const groups = new Map<number, Set<Tell>>();
  const spread = createSpread();
  const isQueued = (id: number) =>
    queue.isPending({ kind: "repository", id }) || queue.isPending({ kind: "publish", id });

  onSettled(({ key, error }) => {
    const subject = subjectOfKey(key);
    if (subject?.kind !== "repository" && subject?.kind !== "publish") return;
    const waiters = groups.get(subject.id);
    if (!waiters || (!error && isQueued(subject.id))) return;
    const outcome: SettledOutcome = error ? { ok: false, code: error.code, hint: error.hint } : { ok: true };
    for (const tell of [...waiters]) tell(outcome);
  });

  /** @param signal ends the wait of a client that is gone, as `timeout` */
  return (id: number, ms: number, signal: AbortSignal): Promise<SettledOutcome> => {
    if (!isQueued(id)) return Promise.resolve({ ok: true });
    const waiters = groups.get(id) ?? new Set();
    groups.set(id, waiters);
    return new Promise((resolve) => {
      const tell = (outcome: SettledOutcome) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
        waiters.delete(tell);
        if (waiters.size === 0 && groups.get(id) === waiters) groups.delete(id);
        spread(() => resolve(outcome));
      };
      const giveUp = () => tell("timeout");
      const timer = setTimeout(giveUp, ms);
      waiters.add(tell);
      signal.addEventListener("abort", giveUp, { once: true });
      if (signal.aborted) giveUp();
    });
  };
}
