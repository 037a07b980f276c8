import { asRefreshError, RefreshError } from "../base/errors.js";
import { keyOf, type Subject, type Trigger } from "../base/model.js";
import type { RefreshQueue, Snapshot } from "./contract.js";

/**
 * The runner checks the queue this often even without a wake-up. The check is cheap, and corrects a clock
 * that was set back.
 */
const RECHECK_MS = 30_000;

/** A cancelled git has 2 s to remove its locks before it is killed. */
const CANCEL_MS = 4_000;

export interface RunnerPorts {
  run(snapshot: Snapshot, signal: AbortSignal): Promise<void>;
  /** Persists the end of a run, in one transaction with the queue's own. Null: the run succeeded. */
  settle(snapshot: Snapshot, error: RefreshError | null): void;
  /** Called when the queue or the settling itself failed, so that nothing can be persisted. */
  onFault(error: unknown): void;
}

export interface Runner {
  /**
   * Reports that something was armed. With a subject: the subject starts at once when it is idle and a slot
   * is free.
   */
  wake(subject?: Subject, trigger?: Trigger): void;
  busy(subject: Subject): boolean;
  /** Returns the running subjects. */
  subjects(): Subject[];
  /** Starts no more runs; waits for the running ones, and cancels them after `ms`. */
  stop(ms: number): Promise<void>;
}

/** The active runs, by `keyOf`. The map is made before the runner, for lower parts that read it. */
export type Runs = Map<string, Run>;

interface Run {
  subject: Subject;
  trigger: Trigger;
  abort: AbortController;
  done: Promise<void>;
}

/**
 * Runs the work of the queue: one run per subject, at most `concurrency` at a time. Background work (onboard,
 * backstop) takes at most half of the slots for each kind, so that neither kind waits for all of the other.
 * Background work never takes every slot, so that a push finds one free.
 */
export function createRunner(
  queue: RefreshQueue,
  concurrency: number,
  ports: RunnerPorts,
  running: Runs = new Map(),
): Runner {
  const half = Math.max(1, Math.floor(concurrency / 2));
  let stopped = false;
  let abandoned = false;
  let timer: NodeJS.Timeout | undefined;

  const isBackground = (trigger: Trigger) => trigger === "onboard" || trigger === "backstop";
  const count = (matches: (trigger: Trigger) => boolean) =>
    [...running.values()].filter((run) => matches(run.trigger)).length;
  const hasSlot = (trigger: Trigger) =>
    running.size < concurrency &&
    (!isBackground(trigger) ||
      (count((other) => other === trigger) < half && count(isBackground) < Math.max(1, concurrency - 1)));

  function start(subject: Subject): void {
    const snapshot = queue.begin(subject);
    if (!snapshot) return;
    const abort = new AbortController();
    const key = keyOf(subject);
    const done = execute(snapshot, abort.signal).finally(() => {
      running.delete(key);
      pump();
    });
    running.set(key, { subject, trigger: snapshot.request.trigger, abort, done });
  }

  async function execute(snapshot: Snapshot, signal: AbortSignal): Promise<void> {
    let failure: RefreshError | null = null;
    try {
      await ports.run(snapshot, signal);
    } catch (error) {
      failure = signal.aborted
        ? new RefreshError("cancelled", "Lockstep is stopping", { cause: error })
        : asRefreshError(error);
    }
    if (abandoned) return;
    try {
      ports.settle(snapshot, failure);
    } catch (error) {
      ports.onFault(error); // The row keeps the time that begin() gave it.
    }
  }

  function pump(): void {
    if (stopped) return;
    clearTimeout(timer);
    try {
      const free = concurrency - running.size;
      if (free > 0) {
        const candidates = queue.due(free, new Set(running.keys()));
        for (const { subject, trigger } of candidates) if (hasSlot(trigger)) start(subject);
      }
      timer = setTimeout(pump, Math.min(RECHECK_MS, untilNext()));
    } catch (error) {
      ports.onFault(error);
      timer = setTimeout(pump, 1_000);
    }
  }

  /** A due row without a free slot waits for a run to end, not for a timer. */
  function untilNext(): number {
    const next = queue.nextDueIn();
    return next === null || (next === 0 && running.size > 0) ? RECHECK_MS : Math.max(next, 10);
  }

  return {
    wake(subject, trigger = "backstop") {
      if (stopped) return;
      if (subject && !running.has(keyOf(subject)) && hasSlot(trigger)) {
        try {
          start(subject);
        } catch (error) {
          ports.onFault(error);
        }
      }
      clearTimeout(timer);
      timer = setTimeout(pump, 0);
    },
    busy: (subject) => running.has(keyOf(subject)),
    subjects: () => [...running.values()].map(({ subject }) => subject),
    async stop(ms) {
      stopped = true;
      clearTimeout(timer);
      const cancel = setTimeout(() => {
        for (const run of running.values()) run.abort.abort();
      }, ms);
      // A run that does not end when cancelled, such as a hanging REST call, is abandoned: its row stays on
      // disk.
      const patience = new Promise((resolve) => setTimeout(resolve, ms + CANCEL_MS).unref());
      await Promise.race([Promise.all([...running.values()].map((run) => run.done)), patience]);
      abandoned = true;
      clearTimeout(cancel);
    },
  };
}
