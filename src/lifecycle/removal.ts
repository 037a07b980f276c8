import { RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import { iso } from "../base/units.js";
import type { Installations } from "../registry/installations.js";
import { isManaged, type ManagedRepository, type Registry } from "../registry/repositories.js";

export interface RemovalPorts {
  registry: Registry;
  installations: Installations;
  /** All of what is written in it, or nothing. */
  transaction<T>(fn: () => T): T;
  /** Takes its published trees from their names. @returns whether readers may still hold one */
  withdraw(id: number): boolean;
  /** Deletes mirror and trees. @returns false: something there is not Lockstep's, all of it is left alone */
  discard(id: number): boolean;
  unlink(id: number, name: RepositoryName): void;
  retireAfterMs: number;
  now(): number;
  log: Pick<Log, "info" | "warn">;
}

/** What becomes of repositories that are no longer ours to keep in step. */
export interface Removal {
  /** GitHub does not show them. Too many at once are held, but for those that came just now, and an operator is asked. */
  leave(installationId: number, repositories: ManagedRepository[]): void;
  /** The same before each is asked for by its id. @returns those that are not held */
  holdIfTooMany(installationId: number, repositories: ManagedRepository[]): ManagedRepository[];
  /** REPOSITORIES leaves it out: the operator's own word, which is not doubted. */
  exclude(repository: ManagedRepository): void;
  /** Deletes what a gone repository left, once it was gone for RETIRE_AFTER. Only in its writer slot. */
  retire(id: number): void;
  /** The operator believes a held removal. @returns how many repositories go by it */
  confirm(installationId: number): number;
}

/** Fewer than this are always believed. */
const FEW = 10;
/** A fifth of an installation's repositories within this time is a removal in one go. */
const AT_ONCE_MS = 3_600_000;

export function createRemoval(ports: RemovalPorts): Removal {
  const { registry, installations, log } = ports;

  /** Of one installation, or of all: another App's key makes many small ones vanish together. */
  function isTooMany(installationId: number, more: number): boolean {
    const since = ports.now() - AT_ONCE_MS;
    const confirmedAt = installations.get(installationId)?.confirmedAt ?? 0;
    const confirmed = Math.max(0, ...installations.all().map((it) => it.confirmedAt));
    const here = registry.countOf(installationId, Math.max(confirmedAt, since));
    const everywhere = registry.countOf(null, Math.max(confirmed, since));
    return [
      {
        ...here,
        leaving: here.left + (installations.held(installationId)?.repositoryIds.length ?? 0) + more,
      },
      { ...everywhere, leaving: everywhere.left + more },
    ].some(({ managed, left, leaving }) => leaving > FEW && leaving > (managed + left) / 5);
  }

  function hold(installationId: number, repositories: ManagedRepository[]): void {
    ports.transaction(() => {
      installations.hold(
        installationId,
        repositories.map(({ id }) => id),
      );
      for (const { id, state } of repositories) {
        // With its installation gone it waits for the operator, and no longer for the account's owner.
        if (state === "suspended") registry.setState(id, "failing");
        registry.failed(id, removalHeld(installationId), 0);
      }
    });
    log.warn(
      {
        installation: installationId,
        repositories: repositories.slice(0, 10).map(fullName),
        count: repositories.length,
        confirm: `POST /api/v1/installations/${installationId}/confirm-removal`,
      },
      "removal held: GitHub no longer shows many repositories at once",
    );
  }

  function goes(repository: ManagedRepository, why: string, excluded = false): void {
    if (!isManaged(repository)) return;
    installations.release(repository.id);
    // Nothing but a delivery ever told of it: there is nothing to keep, nor to lose.
    if (repository.toldAt === 0) {
      registry.forget(repository.id);
      return;
    }
    registry.gone(repository.id, excluded);
    const retiresAt = iso(ports.now() + ports.retireAfterMs);
    log.warn({ repository: fullName(repository), why, retiresAt }, "no longer managed; its mirror is kept");
  }

  function holdIfTooMany(installationId: number, repositories: ManagedRepository[]): ManagedRepository[] {
    const unheld = repositories.filter((it) => isManaged(it) && !installations.isHeld(it.id));
    // Repositories that are made and deleted again, by tests say, are nothing that anyone would miss.
    const isKnown = ({ addedAt }: ManagedRepository) => addedAt < ports.now() - AT_ONCE_MS;
    const known = unheld.filter(isKnown);
    if (known.length === 0 || !isTooMany(installationId, known.length)) return unheld;
    hold(installationId, known);
    return unheld.filter((it) => !isKnown(it));
  }

  function confirm(installationId: number): number {
    const ids = installations.confirm(installationId);
    for (const id of ids) {
      const repository = registry.get(id);
      if (repository) goes(repository, "an operator confirmed the removal");
    }
    return ids.length;
  }

  return {
    holdIfTooMany,
    leave(installationId, repositories) {
      for (const repository of holdIfTooMany(installationId, repositories))
        goes(repository, "GitHub no longer shows it");
    },
    exclude: (repository) => goes(repository, "REPOSITORIES leaves it out", true),
    retire(id) {
      const repository = registry.get(id);
      // Paused it stays as it is.
      if (repository?.pausedAt != null) return;
      if (repository?.state !== "gone" || (repository.goneAt ?? 0) > ports.now() - ports.retireAfterMs)
        return;
      // The next pass comes back for it.
      if (ports.withdraw(id)) return;
      const repositoryName = fullName(repository);
      if (!ports.discard(id)) {
        log.warn({ repository: repositoryName }, "its directory holds what is not Lockstep's; left alone");
        return;
      }
      ports.unlink(id, repository);
      registry.setState(id, "retired");
      log.info({ repository: repositoryName }, "retired: its mirror is deleted");
    },
    confirm: (installationId) => ports.transaction(() => confirm(installationId)),
  };
}

export const removalHeld = (installationId: number): RefreshError =>
  new RefreshError("removal_held", `Held with other repositories of installation ${installationId}`);
