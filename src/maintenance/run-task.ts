import { startStopwatch } from "../base/clock.js";
import { asRefreshError, type RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { fullName } from "../base/names.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import type { ManagedRepository } from "../registry/repositories.js";
import { putOffMs } from "./due.js";
import type { Task } from "./log.js";
import { RUN_TASK, type TaskPorts } from "./tasks.js";

export type RunPorts = TaskPorts & {
  mirrors: Pick<Mirrors, "ensure" | "distrust">;
  log: Log;
};

const HINTS: Partial<Record<RefreshError["code"], string>> = {
  timeout: "Maintenance exceeded its time limit; Lockstep tries again later. Refreshes continue.",
  corrupt: "Lockstep checks again; it clones the mirror again only if two checks find the same damage.",
};

/** Runs one task in one mirror and records the outcome, unless the process is stopping. */
export async function runTask(
  ports: RunPorts,
  repository: ManagedRepository,
  task: Task,
  { signal, isStopped }: { signal: AbortSignal; isStopped: () => boolean },
): Promise<void> {
  const { records, mirrors, log } = ports;
  const { id } = repository;
  const about = { repository: fullName(repository), task };
  const beganAt = ports.now();
  const took = startStopwatch();
  try {
    if (!(await mirrors.ensure(id))) return;
    log.debug({ event: "maintenance_started", ...about }, "maintenance begins");
    await RUN_TASK[task](ports, repository, signal);
    records.done(id, task, beganAt);
    log.info(
      { event: "maintenance_done", ...about, durationMs: Math.round(took.elapsedMs()) },
      "maintenance done",
    );
  } catch (error) {
    // Leftovers of the failed task are cleared before the mirror is used again.
    mirrors.distrust(id);
    if (!isStopped()) putOff(ports, repository, task, asRefreshError(error));
  }
}

function putOff(ports: RunPorts, repository: ManagedRepository, task: Task, error: RefreshError): void {
  const { records, log, now } = ports;
  const { id } = repository;
  const { code, message, hint } = error;
  const hasYielded = code === "cancelled";
  const waitMs = putOffMs(records.get(id).runs[task].failures, { hasYielded });
  records.failed(id, task, code, now() + waitMs);
  const details = { repository: fullName(repository), task, code, retryInMs: waitMs };
  if (hasYielded) log.info({ event: "maintenance_yielded", ...details }, "maintenance yielded to a refresh");
  else
    log.warn(
      { event: "maintenance_failed", ...details, reason: message, hint: HINTS[code] ?? hint },
      "maintenance failed",
    );
}
