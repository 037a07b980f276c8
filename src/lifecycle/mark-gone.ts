import type { Log } from "../base/log.js";
import { fullName } from "../base/names.js";
import { iso } from "../base/units.js";
import type { Installations } from "../registry/installations.js";
import { isManaged, type ManagedRepository, type Registry } from "../registry/repositories.js";

export interface GonePorts {
  registry: Pick<Registry, "forget" | "markGone">;
  installations: Pick<Installations, "release">;
  retireAfterMs: number;
  now(): number;
  log: Pick<Log, "warn">;
}

/**
 * From now on the repository is not kept in step; what its mirror has stays for RETIRE_AFTER.
 * @param isExcluded whether it is REPOSITORIES that leaves it out, and not GitHub that no longer shows it
 */
export function markGone(
  { registry, installations, retireAfterMs, now, log }: GonePorts,
  repository: ManagedRepository,
  { why, isExcluded = false }: { why: string; isExcluded?: boolean },
): void {
  if (!isManaged(repository)) return;
  installations.release(repository.id);
  // Nothing but a delivery ever named it: there is nothing to keep, nor to lose.
  if (repository.answeredAt === 0) {
    registry.forget(repository.id);
    return;
  }
  registry.markGone(repository.id, isExcluded);
  const retiresAt = iso(now() + retireAfterMs);
  log.warn(
    { event: "repository_gone", repository: fullName(repository), why, retiresAt },
    "repository no longer managed; its mirror is kept for RETIRE_AFTER",
  );
}
