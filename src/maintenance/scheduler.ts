import PQueue from "p-queue";
import { asRefreshError, type RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { RefChange } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import type { Upkeep } from "../git/mirror/upkeep.js";
import type { ManagedRepository } from "../registry/repositories.js";
import { dueTasks, GRACE_MS, isDue, putOffMs } from "./due.js";
import type { MaintenanceLog, Task } from "./log.js";

export interface MaintenancePorts {
  records: MaintenanceLog;
  upkeep: Upkeep;
  mirrors: Pick<Mirrors, "ensure" | "trusts" | "distrust" | "condemn">;
  repositories(): ManagedRepository[];
  repository(id: number): ManagedRepository | null;
  /** Whether no refresh of it runs or waits. */
  isIdle(id: number): boolean;
  /** Asks for a refresh that compares every ref. */
  request(repository: ManagedRepository): void;
  log: Log;
  now(): number;
}

export interface MaintenanceState {
  tidiedAt: number | null;
  prunedAt: number | null;
  checkedAt: number | null;
  due: Task[];
  running: Task | null;
}

export interface Maintenance {
  /** A refresh has changed refs. Old tips of it may be unreachable now. */
  changed(id: number, changes: RefChange[]): void;
  /** Starts what is due. */
  pass(): void;
  /**
   * Before a mirror is written: ends what must not run beside that, with `all` whatever runs there, and
   * waits until it has ended. None starts again while the repository is not idle (with `all`: and its
   * mirror not trusted). @returns whether anything was ended
   */
  standAside(id: number, options?: { all?: boolean }): Promise<boolean>;
  state(id: number): MaintenanceState;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
  /** Ends what runs and starts nothing more. */
  stop(): Promise<void>;
}

interface Running {
  id: number;
  task: Task;
  abort: AbortController;
  done: Promise<void>;
}

/** A mirror that is pushed to needs its tidy the most. */
const PRIORITY: Record<Task, number> = { tidy: 2, prune: 1, check: 0 };
/** A git that the kernel does not let go of holds up no stop. */
const STOP_MS = 5_000;

/**
 * When each mirror is tidied, pruned and checked: one at a time over all mirrors, and never in the way of
 * a refresh. A prune runs only while its repository is idle, and ends when a refresh begins.
 */
export function createMaintenance(ports: MaintenancePorts): Maintenance {
  const { records, mirrors, log, now } = ports;
  const queue = new PQueue({ concurrency: 1 });
  const waiting = new Set<string>();
  let running: Running | null = null;
  let stopped = false;

  const fault = (error: unknown) => log.error({ err: error }, "maintenance cannot be written down");

  function enqueue(id: number, task: Task): void {
    const key = `${task}:${id}`;
    if (stopped || waiting.has(key) || (running?.id === id && running.task === task)) return;
    waiting.add(key);
    const turn = () => {
      waiting.delete(key);
      return start(id, task);
    };
    queue.add(turn, { priority: PRIORITY[task] }).catch(fault);
  }

  /** Looks and starts in one go: a refresh that begins after it finds `running`, one before it is seen. */
  async function start(id: number, task: Task): Promise<void> {
    const repository = ports.repository(id);
    if (stopped || !repository || !mayRun(repository, task)) return;
    const abort = new AbortController();
    const done = run(repository, task, abort.signal)
      .catch(fault)
      .finally(() => {
        running = null;
      });
    running = { id, task, abort, done };
    await done;
  }

  function mayRun({ id, state }: ManagedRepository, task: Task): boolean {
    if (state === "gone" || state === "retired" || !isDue(task, id, records.get(id), now())) return false;
    // Beside a refresh, but not where that is about to clear leftovers.
    return ports.isIdle(id) || (task !== "prune" && mirrors.trusts(id));
  }

  async function run(repository: ManagedRepository, task: Task, signal: AbortSignal): Promise<void> {
    const { id } = repository;
    const about = { repository: fullName(repository), task };
    const began = performance.now();
    try {
      if (!mirrors.ensure(id)) return;
      log.debug(about, "maintenance begins");
      await ACTS[task](repository, signal);
      records.done(id, task);
      log.info({ ...about, durationMs: Math.round(performance.now() - began) }, "maintenance done");
    } catch (error) {
      // Whatever it has left is cleared before the mirror is used again.
      mirrors.distrust(id);
      if (!stopped) putOff(id, about, task, asRefreshError(error));
    }
  }

  function putOff(id: number, about: object, task: Task, { code, message, hint }: RefreshError): void {
    const waitMs = putOffMs(records.get(id).runs[task].failures, code === "cancelled");
    records.failed(id, task, code, now() + waitMs);
    const details = { ...about, code, retryInMs: waitMs };
    if (code === "cancelled") log.info(details, "maintenance stood aside for a refresh");
    else log.warn({ ...details, reason: message, hint: HINTS[code] ?? hint }, "maintenance failed");
  }

  const ACTS: Record<Task, (repository: ManagedRepository, signal: AbortSignal) => Promise<void>> = {
    async tidy({ id }, signal) {
      const begun = records.get(id);
      const oldTips = records.oldTips(id);
      await ports.upkeep.tidy(id, signal);
      if (await ports.upkeep.isLost(id, oldTips, signal)) records.unreachable(id, now());
      records.tidied(id, begun, oldTips);
    },
    async prune({ id }, signal) {
      const left = await ports.upkeep.prune(id, GRACE_MS, signal);
      if (!left) records.unreachable(id, null);
    },
    async check(repository, signal) {
      const verdict = await ports.upkeep.check(repository.id, signal);
      if (verdict.sound) return;
      const { object, reason } = verdict;
      log.warn(
        { repository: fullName(repository), object, reason },
        "the mirror is corrupt; it is cloned anew",
      );
      mirrors.condemn(repository.id);
      ports.request(repository);
    },
  };

  return {
    changed(id, changes) {
      records.changed(id, changes);
      if (isDue("tidy", id, records.get(id), now())) enqueue(id, "tidy");
    },
    pass() {
      const ids = ports.repositories().map(({ id }) => id);
      records.see(ids);
      const wear = records.all();
      for (const id of ids) for (const task of dueTasks(id, wear.get(id)!, now())) enqueue(id, task);
    },
    async standAside(id, { all = false } = {}) {
      if (running?.id !== id || !(all || running.task === "prune")) return false;
      running.abort.abort();
      await running.done;
      return true;
    },
    state(id) {
      const wear = records.get(id);
      const { tidy, prune, check } = wear.runs;
      const task = running?.id === id ? running.task : null;
      const at = { tidiedAt: tidy.doneAt, prunedAt: prune.doneAt, checkedAt: check.doneAt };
      return { ...at, due: dueTasks(id, wear, now()), running: task };
    },
    idle: () => queue.onIdle(),
    async stop() {
      stopped = true;
      queue.clear();
      running?.abort.abort();
      const patience = new Promise((resolve) => setTimeout(resolve, STOP_MS).unref());
      await Promise.race([running?.done, patience]);
    },
  };
}

const HINTS: Partial<Record<RefreshError["code"], string>> = {
  timeout: "It took longer than maintenance may; it is tried again later, and refreshes go on.",
  corrupt: "It is tried again; only what a check proves twice has the mirror cloned anew.",
};
