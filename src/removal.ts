import { RefreshError } from "./errors.js";
import type { Installations } from "./installations.js";
import type { RepositoryName } from "./model.js";
import { isManaged, type ManagedRepository, type Registry } from "./registry.js";

export interface RemovalPorts {
  registry: Registry;
  installations: Installations;
  /** Deletes mirror and trees. @returns false: something there is not Lockstep's, all of it is left alone */
  discard(id: number): boolean;
  unlink(id: number, name: RepositoryName): void;
  retireAfterMs: number;
  now(): number;
  log: { warn(details: object, message: string): void; info(details: object, message: string): void };
}

/** What becomes of repositories that are no longer ours to keep in step. */
export interface Removal {
  /** GitHub does not show them. Too many at once are held, and an operator is asked. */
  leave(installationId: number, repositories: ManagedRepository[]): void;
  /** The same before each is asked for by its id. @returns whether they are held */
  holdIfTooMany(installationId: number, repositories: ManagedRepository[]): boolean;
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

const nameOf = ({ owner, name }: RepositoryName) => `${owner}/${name}`;

export function createRemoval(ports: RemovalPorts): Removal {
  const { registry, installations, log } = ports;

  function isTooMany(installationId: number, more: number): boolean {
    const confirmedAt = installations.get(installationId)?.confirmedAt ?? 0;
    const { managed, left } = registry.countOf(
      installationId,
      Math.max(confirmedAt, ports.now() - AT_ONCE_MS),
    );
    return left + more > FEW && left + more > (managed + left) / 5;
  }

  function hold(installationId: number, repositories: ManagedRepository[]): void {
    const fresh = repositories.filter(({ id }) => !installations.isHeld(id));
    if (fresh.length === 0) return;
    installations.hold(
      installationId,
      fresh.map(({ id }) => id),
    );
    for (const { id } of fresh) registry.failed(id, removalHeld(installationId), 0);
    log.warn(
      {
        installation: installationId,
        repositories: fresh.slice(0, 10).map(nameOf),
        count: fresh.length,
        confirm: `POST /api/v1/installations/${installationId}/confirm-removal`,
      },
      "removal held: GitHub no longer shows many repositories at once",
    );
  }

  function goes(repository: ManagedRepository, why: string): void {
    if (!isManaged(repository)) return;
    installations.release(repository.id);
    registry.gone(repository.id);
    const retiresAt = new Date(ports.now() + ports.retireAfterMs).toISOString();
    log.warn({ repository: nameOf(repository), why, retiresAt }, "no longer managed; its mirror is kept");
  }

  function holdIfTooMany(installationId: number, repositories: ManagedRepository[]): boolean {
    const tooMany = repositories.length > 0 && isTooMany(installationId, repositories.length);
    if (tooMany) hold(installationId, repositories);
    return tooMany;
  }

  return {
    holdIfTooMany,
    leave(installationId, repositories) {
      const managed = repositories.filter(isManaged);
      if (holdIfTooMany(installationId, managed)) return;
      for (const repository of managed) goes(repository, "GitHub no longer shows it");
    },
    exclude: (repository) => goes(repository, "REPOSITORIES leaves it out"),
    retire(id) {
      const repository = registry.get(id);
      if (repository?.state !== "gone" || (repository.goneAt ?? 0) > ports.now() - ports.retireAfterMs)
        return;
      const repositoryName = nameOf(repository);
      if (!ports.discard(id)) {
        log.warn({ repository: repositoryName }, "its directory holds what is not Lockstep's; left alone");
        return;
      }
      ports.unlink(id, repository);
      registry.setState(id, "retired");
      log.info({ repository: repositoryName }, "retired: its mirror is deleted");
    },
    confirm(installationId) {
      const ids = installations.confirm(installationId);
      for (const id of ids) {
        const repository = registry.get(id);
        if (repository) goes(repository, "an operator confirmed the removal");
      }
      return ids.length;
    },
  };
}

export const removalHeld = (installationId: number): RefreshError =>
  new RefreshError("removal_held", `Held with other repositories of installation ${installationId}`);
