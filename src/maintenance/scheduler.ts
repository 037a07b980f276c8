import { setImmediate } from "node:timers/promises";
import PQueue from "p-queue";
import type { Log } from "../base/log.js";
import type { RefChange } from "../base/model.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import type { Upkeep } from "../git/mirror/upkeep.js";
import type { ManagedRepository } from "../registry/repositories.js";
import { dueTasks, isDue } from "./due.js";
import type { MaintenanceLog, Task } from "./log.js";
import { runTask } from "./run-task.js";

export interface MaintenancePorts {
  records: MaintenanceLog;
  upkeep: Upkeep;
  mirrors: Pick<Mirrors, "ensure" | "trusts" | "distrust" | "condemn">;
  repositoryIds(): number[];
  repository(id: number): ManagedRepository | null;
  /** Whether the disk has room; without it no task starts. */
  hasRoom(): boolean;
  /** Whether no refresh of the repository runs or waits. */
  isIdle(id: number): boolean;
  /** Requests a refresh that compares every ref. */
  request(repository: ManagedRepository): void;
  log: Log;
  now(): number;
  /** The monotonic clock, in milliseconds. */
  clock(): number;
}

export interface MaintenanceState {
  tidiedAt: number | null;
  prunedAt: number | null;
  bitmapAt: number | null;
  checkedAt: number | null;
  due: Task[];
  running: Task | null;
}

/** The tasks that wait for their turn. */
export interface MaintenanceBacklog {
  waiting: number;
  /** For how long the oldest of them has waited, in milliseconds; 0: none waits. */
  oldestMs: number;
}

export interface Maintenance {
  /** Records that a refresh changed refs, whose old tips may be unreachable now. */
  changed(id: number, changes: RefChange[]): void;
  /** Records that the whole history of a mirror was packed for a reader. */
  cloned(id: number): void;
  /** Queues tasks that are due, a few mirrors at a time. Logs what goes wrong, and never throws. */
  pass(): Promise<void>;
  /**
   * Stops tasks that must not run beside a write to the mirror, and waits until they have ended. With `all`
   * every task is stopped. No task starts again until the repository is idle and, with `all`, its mirror is
   * trusted.
   * @returns whether a task was stopped
   */
  yieldToRefresh(id: number, options?: { all?: boolean }): Promise<boolean>;
  /** Stops the running task, and waits until it has ended. */
  yieldToDisk(): Promise<void>;
  state(id: number): MaintenanceState;
  backlog(): MaintenanceBacklog;
  /** Resolves when no task runs or waits. */
  idle(): Promise<void>;
  /** Stops running tasks and starts no more. */
  stop(): Promise<void>;
}

interface Schedule {
  ports: MaintenancePorts;
  queue: PQueue;
  /** When a task was queued, by task and repository, by the monotonic clock in milliseconds; the oldest comes first. */
  waiting: Map<string, number>;
  passing: Promise<void> | null;
  running: Running | null;
  stopped: boolean;
}

interface Running {
  id: number;
  task: Task;
  abort: AbortController;
  done: Promise<void>;
}

/** A tidy goes first: a mirror with many pushes needs it most. */
const PRIORITY: Record<Task, number> = { tidy: 3, prune: 2, check: 1, bitmap: 0 };
/** What a pass reads and writes about so many mirrors takes some milliseconds. */
const MIRRORS_AT_A_TIME = 100;
/** Stopping does not wait longer for a git process that the kernel does not end. */
const STOP_MS = 5_000;

/**
 * Decides when each mirror is tidied, pruned and checked. One task runs at a time over all mirrors, and none
 * blocks a refresh: a prune runs only while its repository is idle, and is stopped when a refresh begins.
 */
export function createMaintenance(ports: MaintenancePorts): Maintenance {
  const queue = new PQueue({ concurrency: 1 });
  const schedule: Schedule = {
    ports,
    queue,
    waiting: new Map(),
    passing: null,
    running: null,
    stopped: false,
  };
  return {
    changed(id, changes) {
      const { records, now } = ports;
      records.changed(id, changes);
      if (isDue("tidy", id, records.get(id), now())) enqueue(schedule, id, "tidy");
    },
    cloned: ports.records.cloned,
    pass: () => pass(schedule),
    yieldToRefresh: (id, { all = false } = {}) => yieldToRefresh(schedule, id, { all }),
    async yieldToDisk() {
      schedule.running?.abort.abort();
      await schedule.running?.done;
    },
    state: (id) => stateOf(schedule, id),
    backlog: () => backlogOf(schedule),
    idle: () => queue.onIdle(),
    stop: () => stop(schedule),
  };
}

/** A pass that is going on also serves whoever asks meanwhile. */
function pass(schedule: Schedule): Promise<void> {
  schedule.passing ??= enqueueDue(schedule)
    .catch((error: unknown) => logFault(schedule, error))
    .finally(() => {
      schedule.passing = null;
    });
  return schedule.passing;
}

async function enqueueDue(schedule: Schedule): Promise<void> {
  const { records, repositoryIds, now } = schedule.ports;
  const ids = repositoryIds();
  for (let from = 0; from < ids.length && !schedule.stopped; from += MIRRORS_AT_A_TIME) {
    const some = ids.slice(from, from + MIRRORS_AT_A_TIME);
    records.see(some);
    for (const id of some)
      for (const task of dueTasks(id, records.get(id), now())) enqueue(schedule, id, task);
    await setImmediate();
  }
}

function backlogOf({ waiting, ports }: Schedule): MaintenanceBacklog {
  const [oldest] = waiting.values();
  return { waiting: waiting.size, oldestMs: oldest === undefined ? 0 : ports.clock() - oldest };
}

function enqueue(schedule: Schedule, id: number, task: Task): void {
  const { queue, waiting, running } = schedule;
  const key = `${task}:${id}`;
  if (schedule.stopped || waiting.has(key) || (running?.id === id && running.task === task)) return;
  waiting.set(key, schedule.ports.clock());
  const turn = () => {
    waiting.delete(key);
    return start(schedule, id, task);
  };
  queue.add(turn, { priority: PRIORITY[task] }).catch((error) => logFault(schedule, error));
}

/** Checks and starts synchronously, so a later refresh sees `running` and an earlier refresh is seen here. */
async function start(schedule: Schedule, id: number, task: Task): Promise<void> {
  const { ports } = schedule;
  const repository = ports.repository(id);
  if (schedule.stopped || !repository || !ports.hasRoom() || !mayRun(ports, repository, task)) return;
  const abort = new AbortController();
  const options = { signal: abort.signal, isStopped: () => schedule.stopped };
  const done = runTask(ports, repository, task, options)
    .catch((error: unknown) => logFault(schedule, error))
    .finally(() => {
      schedule.running = null;
    });
  schedule.running = { id, task, abort, done };
  await done;
}

function mayRun(ports: MaintenancePorts, { id, state }: ManagedRepository, task: Task): boolean {
  const { records, mirrors, now } = ports;
  if (state === "gone" || state === "retired" || !isDue(task, id, records.get(id), now())) return false;
  // A task may run beside a refresh, unless that refresh is about to clear leftovers.
  return ports.isIdle(id) || (task !== "prune" && mirrors.trusts(id));
}

const logFault = ({ ports }: Schedule, error: unknown): void =>
  ports.log.error({ event: "maintenance_not_stored", err: error }, "maintenance results could not be stored");

async function yieldToRefresh(
  { running }: Schedule,
  id: number,
  { all }: { all: boolean },
): Promise<boolean> {
  if (running?.id !== id || !(all || running.task === "prune")) return false;
  running.abort.abort();
  await running.done;
  return true;
}

function stateOf({ ports, running }: Schedule, id: number): MaintenanceState {
  const wear = ports.records.get(id);
  const { tidy, prune, check, bitmap } = wear.runs;
  return {
    tidiedAt: tidy.doneAt,
    prunedAt: prune.doneAt,
    bitmapAt: bitmap.doneAt,
    checkedAt: check.doneAt,
    due: dueTasks(id, wear, ports.now()),
    running: running?.id === id ? running.task : null,
  };
}

async function stop(schedule: Schedule): Promise<void> {
  schedule.stopped = true;
  schedule.queue.clear();
  schedule.running?.abort.abort();
  const patience = new Promise((resolve) => setTimeout(resolve, STOP_MS).unref());
  await Promise.race([schedule.running?.done, patience]);
}
