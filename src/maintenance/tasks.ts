import type { Log } from "../base/log.js";
import { fullName } from "../base/names.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import type { Upkeep } from "../git/mirror/upkeep.js";
import type { ManagedRepository } from "../registry/repositories.js";
import { GRACE_MS } from "./due.js";
import type { MaintenanceLog, Task } from "./log.js";

export interface TaskPorts {
  records: MaintenanceLog;
  upkeep: Upkeep;
  mirrors: Pick<Mirrors, "condemn">;
  /** Requests a refresh that compares every ref. */
  request(repository: ManagedRepository): void;
  log: Pick<Log, "warn">;
  now(): number;
}

type RunTask = (ports: TaskPorts, repository: ManagedRepository, signal: AbortSignal) => Promise<void>;

/** What each task does to one mirror, and what it records. Each task throws RefreshError. */
export const RUN_TASK: Record<Task, RunTask> = { tidy, prune, check, bitmap };

async function tidy(
  { records, upkeep, now }: TaskPorts,
  { id }: ManagedRepository,
  signal: AbortSignal,
): Promise<void> {
  const begun = records.get(id);
  const oldTips = records.oldTips(id);
  await upkeep.tidy(id, signal);
  if (await upkeep.isLost(id, oldTips, signal)) records.unreachable(id, now());
  records.tidied(id, begun, oldTips);
}

async function prune(
  { records, upkeep }: TaskPorts,
  { id }: ManagedRepository,
  signal: AbortSignal,
): Promise<void> {
  const leavesUnreachable = await upkeep.prune(id, GRACE_MS, signal);
  if (!leavesUnreachable) records.unreachable(id, null);
}

async function bitmap(
  { records, upkeep }: TaskPorts,
  { id }: ManagedRepository,
  signal: AbortSignal,
): Promise<void> {
  const begun = records.get(id);
  await upkeep.writeBitmap(id, signal);
  records.bitmapWritten(id, begun);
}

async function check(ports: TaskPorts, repository: ManagedRepository, signal: AbortSignal): Promise<void> {
  const verdict = await ports.upkeep.check(repository.id, signal);
  if (verdict.sound) return;
  const { object, reason } = verdict;
  ports.log.warn(
    { event: "mirror_corrupt", repository: fullName(repository), object, reason },
    "the mirror is corrupt; Lockstep clones it again",
  );
  await ports.mirrors.condemn(repository.id);
  ports.request(repository);
}
