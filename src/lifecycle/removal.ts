import type { Log } from "../base/log.js";
import type { RepositoryName } from "../base/model.js";
import type { Installations } from "../registry/installations.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import { holdIfTooMany } from "./hold.js";
import { markGone } from "./mark-gone.js";
import { retire } from "./retire.js";

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
  handleMissing(installationId: number, repositories: ManagedRepository[]): void;
  /** The same before each is asked for by its id. @returns those that are not held */
  holdIfTooMany(installationId: number, repositories: ManagedRepository[]): ManagedRepository[];
  /** REPOSITORIES does not include it: the operator's own word, which is not doubted. */
  exclude(repository: ManagedRepository): void;
  /** Deletes what a gone repository left, once it was gone for RETIRE_AFTER. Only in its writer slot. */
  retire(id: number): void;
  /** The operator believes a held removal. @returns how many repositories go by it */
  confirm(installationId: number): number;
}

export function createRemoval(ports: RemovalPorts): Removal {
  return {
    handleMissing: (installationId, repositories) => handleMissing(ports, installationId, repositories),
    holdIfTooMany: (installationId, repositories) => holdIfTooMany(ports, installationId, repositories),
    exclude: (repository) =>
      markGone(ports, repository, { why: "REPOSITORIES does not include it", isExcluded: true }),
    retire: (id) => retire(ports, id),
    confirm: (installationId) => ports.transaction(() => confirm(ports, installationId)),
  };
}

function handleMissing(ports: RemovalPorts, installationId: number, repositories: ManagedRepository[]): void {
  for (const repository of holdIfTooMany(ports, installationId, repositories))
    markGone(ports, repository, { why: "GitHub no longer lists it" });
}

function confirm(ports: RemovalPorts, installationId: number): number {
  const ids = ports.installations.confirm(installationId);
  for (const id of ids) {
    const repository = ports.registry.get(id);
    if (repository) markGone(ports, repository, { why: "an operator confirmed the removal" });
  }
  return ids.length;
}
