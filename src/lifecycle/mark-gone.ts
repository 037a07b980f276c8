import type { Log } from "../base/log.js";
import { fullName } from "../base/names.js";
import { iso } from "../base/units.js";
import type { Installations } from "../registry/installations.js";
import { isManaged, type ManagedRepository, type Registry } from "../registry/repositories.js";

export interface GonePorts {
  registry: Pick<Registry, "forget" | "markGone">;
  installations: Pick<Installations, "release">;
  retireAfterMs: number;
  /** The time from which the mirror is kept. */
  latestNow(): number;
  log: Pick<Log, "warn">;
}

/**
 * Stops keeping the repository in step; its mirror stays for RETIRE_AFTER.
 * @param isExcluded whether REPOSITORIES excludes the repository, rather than GitHub no longer listing it
 */
export function markGone(
  { registry, installations, retireAfterMs, latestNow, log }: GonePorts,
  repository: ManagedRepository,
  { why, isExcluded = false }: { why: string; isExcluded?: boolean },
): void {
  if (!isManaged(repository)) return;
  installations.release(repository.id);
  // A repository known only from a delivery has no mirror to keep or to lose.
  if (repository.answeredAt === 0) {
    registry.forget(repository.id);
    return;
  }
  const at = latestNow();
  registry.markGone(repository.id, isExcluded, at);
  const retiresAt = iso(at + retireAfterMs);
  log.warn(
    { event: "repository_gone", repository: fullName(repository), why, retiresAt },
    "repository no longer managed; its mirror is kept for RETIRE_AFTER",
  );
}
