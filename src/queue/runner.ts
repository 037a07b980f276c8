import { monotonicMs } from "../base/clock.js";
import { asRefreshError, RefreshError } from "../base/errors.js";
import { keyOf, type Subject } from "../base/model.js";
import { type Slots, WORK_CLASSES, type WorkClass } from "./classes.js";
import type { RefreshQueue, Snapshot } from "./contract.js";
import { countRuns, hasSlot } from "./slots.js";

/** The runner checks the queue this often even without a wake-up. The check is cheap. */
const RECHECK_MS = 30_000;

/** A subject that was armed is tried at once; whatever else may start by then is looked for once in this time. */
const WAKES_TOGETHER_MS = 10;

/** After the queue could not be read or written, the runner tries again after this time. */
const FAULT_MS = 1_000;

/** A short run that has not ended after this time counts as long. */
const LONG_AFTER_MS = 5_000;

/** A cancelled git has 2 s to remove its locks before it is killed. */
const CANCEL_MS = 4_000;

/** So many rows are tried in one turn of the event loop; each costs up to two transactions. */
const TRIED_AT_ONCE = 20;

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
   * of its class is free.
   */
  wake(subject?: Subject): void;
  /** Reports that a run turned out to be long work, so that it frees its short slot at once. */
  becameLong(subject: Subject): void;
  /** Reports that a run waits without its slot. The next run starts before this returns. */
  slotFreed(): void;
  busy(subject: Subject): boolean;
  /** Returns the running subjects. */
  subjects(): Subject[];
  /** Counts the runs of each class, beside its slots. */
  taken(): Record<WorkClass, { running: number; slots: number }>;
  /** Ends the running subjects that match, with this failure, and waits until they have ended. */
  end(matches: (subject: Subject) => boolean, reason: RefreshError): Promise<void>;
  /** Starts no more runs; waits for the running ones, and cancels them after `ms`. */
  stop(ms: number): Promise<void>;
}

/** The active runs, by `keyOf`. The map is made before the runner, for lower parts that read it. */
export type Runs = Map<string, Run>;

interface Run {
  subject: Subject;
  /** Whose slot the run takes; null: none, since the run is being ended, or waits without one. */
  class: WorkClass | null;
  abort: AbortController;
  done: Promise<void>;
  /** Fires when the run is long work. */
  timer: NodeJS.Timeout | undefined;
}

interface State {
  queue: RefreshQueue;
  slots: Slots;
  ports: RunnerPorts;
  runs: Runs;
  /** Subjects whose end could not be stored; their rows still count as running. */
  unsettled: Map<string, Subject>;
  isStopped: boolean;
  isAbandoned: boolean;
  timer: NodeJS.Timeout | undefined;
  /** When the timer fires, by the monotonic clock. */
  pumpAt: number;
}

/** Runs the work of the queue: one run per subject, and as many of each class as the class has slots. */
export function createRunner(
  queue: RefreshQueue,
  slots: Slots,
  ports: RunnerPorts,
  runs: Runs = new Map(),
): Runner {
  const state: State = {
    queue,
    slots,
    ports,
    runs,
    unsettled: new Map(),
    isStopped: false,
    isAbandoned: false,
    timer: undefined,
    pumpAt: Number.POSITIVE_INFINITY,
  };
  return {
    wake: (subject) => wake(state, subject),
    becameLong(subject) {
      const run = runs.get(keyOf(subject));
      if (run) becomeLong(state, run);
    },
    slotFreed: () => pump(state),
    busy: (subject) => runs.has(keyOf(subject)),
    subjects: () => [...runs.values()].map(({ subject }) => subject),
    taken: () => takenOf(state),
    end: (matches, reason) => end(state, matches, reason),
    stop: (ms) => stop(state, ms),
  };
}

function takenOf({ slots, runs }: State): ReturnType<Runner["taken"]> {
  const entries = WORK_CLASSES.map((workClass) => {
    const running = countRuns(runs.values(), workClass);
    return [workClass, { running, slots: slots[workClass] }] as const;
  });
  return Object.fromEntries(entries) as ReturnType<Runner["taken"]>;
}

function wake(state: State, subject: Subject | undefined): void {
  if (state.isStopped) return;
  try {
    const workClass = subject && !state.runs.has(keyOf(subject)) && state.queue.startableClass(subject);
    if (workClass && hasSlot(state.slots, state.runs.values(), workClass)) start(state, subject);
  } catch (error) {
    state.ports.onFault(error);
  }
  if (subject) pumpWithin(state, WAKES_TOGETHER_MS);
  else pumpAfter(state, 0);
}

function pumpAfter(state: State, ms: number): void {
  clearTimeout(state.timer);
  if (state.isStopped) return;
  state.pumpAt = monotonicMs() + ms;
  state.timer = setTimeout(() => pump(state), ms);
}

/** A check that comes sooner stays. */
function pumpWithin(state: State, ms: number): void {
  if (monotonicMs() + ms < state.pumpAt) pumpAfter(state, ms);
}

/** Starts what may start, and sets the timer for what comes next. */
function pump(state: State): void {
  if (state.isStopped) return;
  try {
    reclaim(state);
    const isMoreDue = state.queue.promote();
    const isMoreToTry = startAll(state);
    const next = state.queue.nextDueIn() ?? RECHECK_MS;
    pumpAfter(state, isMoreDue || isMoreToTry ? 0 : Math.min(RECHECK_MS, Math.max(next, 1)));
  } catch (error) {
    state.ports.onFault(error);
    pumpAfter(state, FAULT_MS);
  }
}

/** @returns whether the turn ended before every free slot was tried */
function startAll(state: State): boolean {
  let tries = 0;
  for (const workClass of WORK_CLASSES) {
    while (hasSlot(state.slots, state.runs.values(), workClass)) {
      if (tries >= TRIED_AT_ONCE) return true;
      const subject = state.queue.next(workClass);
      if (!subject) break;
      tries += 1;
      start(state, subject);
    }
  }
  return false;
}

function reclaim({ unsettled, queue }: State): void {
  for (const [key, subject] of unsettled) {
    queue.reclaim(subject);
    unsettled.delete(key);
  }
}

function start(state: State, subject: Subject): void {
  const snapshot = state.queue.begin(subject);
  if (!snapshot) return;
  const key = keyOf(subject);
  const abort = new AbortController();
  const run: Run = { subject, class: snapshot.class, abort, done: Promise.resolve(), timer: undefined };
  if (snapshot.class === "short") run.timer = setTimeout(() => becomeLong(state, run), LONG_AFTER_MS);
  state.runs.set(key, run);
  run.done = execute(state, snapshot, abort.signal).finally(() => {
    clearTimeout(run.timer);
    state.runs.delete(key);
    pump(state);
  });
}

/**
 * Counts a short run as long. While every long slot is taken, the run is put back: it ends, keeps its attempts,
 * and runs again as long work.
 */
function becomeLong(state: State, run: Run): void {
  if (run.class !== "short" || state.isStopped) return;
  clearTimeout(run.timer);
  if (hasSlot(state.slots, state.runs.values(), "long")) run.class = "long";
  else {
    run.class = null;
    run.abort.abort(new RefreshError("put_back", "Every slot for long work is taken"));
  }
  pump(state);
}

async function execute(state: State, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  let failure: RefreshError | null = null;
  try {
    await state.ports.run(snapshot, signal);
  } catch (error) {
    failure = signal.aborted ? endedBy(signal, error) : asRefreshError(error);
  }
  if (state.isAbandoned) return;
  try {
    state.ports.settle(snapshot, failure);
  } catch (error) {
    state.unsettled.set(keyOf(snapshot.subject), snapshot.subject);
    state.ports.onFault(error);
  }
}

const endedBy = (signal: AbortSignal, cause: unknown): RefreshError =>
  signal.reason instanceof RefreshError
    ? signal.reason
    : new RefreshError("cancelled", "Lockstep is stopping", { cause });

async function end(
  state: State,
  matches: (subject: Subject) => boolean,
  reason: RefreshError,
): Promise<void> {
  const ended = [...state.runs.values()].filter(({ subject }) => matches(subject));
  for (const { abort } of ended) abort.abort(reason);
  await Promise.all(ended.map(({ done }) => done));
}

async function stop(state: State, ms: number): Promise<void> {
  const { runs } = state;
  state.isStopped = true;
  clearTimeout(state.timer);
  const cancel = setTimeout(() => {
    for (const run of runs.values()) run.abort.abort();
  }, ms);
  // A run that does not end when cancelled, such as a hanging REST call, is abandoned: its row stays on disk.
  const patience = new Promise((resolve) => setTimeout(resolve, ms + CANCEL_MS).unref());
  await Promise.race([Promise.all([...runs.values()].map((run) => run.done)), patience]);
  state.isAbandoned = true;
  for (const { timer } of runs.values()) clearTimeout(timer);
  clearTimeout(cancel);
}
