import { createSignal, type Subscribe } from "../base/signal.js";
import { forSomeAtOnce } from "../base/slices.js";
import type { Installations } from "../registry/installations.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import { type HoldPorts, holdIfTooMany } from "./hold.js";
import { type GonePorts, markGone } from "./mark-gone.js";
import { type RetirePorts, retire } from "./retire.js";

export type RemovalPorts = RetirePorts &
  GonePorts &
  HoldPorts & {
    registry: Registry;
    installations: Installations;
    /** Runs the function in one transaction. */
    transaction<T>(fn: () => T): T;
  };

/** Handles repositories that are no longer managed. */
export interface Removal {
  /**
   * Handles repositories that GitHub does not list. Too many at once are held until an operator confirms; new
   * ones are not.
   */
  handleMissing(installationId: number, repositories: ManagedRepository[]): Promise<void>;
  /**
   * Holds too many missing repositories before each is asked for by id. @returns the repositories that are
   * not held
   */
  holdIfTooMany(installationId: number, repositories: ManagedRepository[]): Promise<ManagedRepository[]>;
  /** Handles a repository that REPOSITORIES excludes; the operator's configuration is never held. */
  exclude(repository: ManagedRepository): void;
  /** Stops keeping a repository in step that other nodes own and have. */
  setAside(repository: ManagedRepository): void;
  /** Deletes what a gone repository left, after RETIRE_AFTER. Must run in the repository's writer slot. */
  retire(id: number): void;
  /**
   * Confirms a held removal. If it is interrupted, the others are still held.
   * @returns the number of repositories that are marked gone
   */
  confirm(installationId: number): Promise<number>;
  /** Reports that a removal was confirmed of which something was held here. */
  onConfirmed: Subscribe<[installationId: number]>;
}

export function createRemoval(ports: RemovalPorts): Removal {
  const confirmed = createSignal<[installationId: number]>();
  return {
    handleMissing: (installationId, repositories) => handleMissing(ports, installationId, repositories),
    holdIfTooMany: (installationId, repositories) => holdIfTooMany(ports, installationId, repositories),
    exclude: (repository) =>
      markGone(ports, repository, { why: "REPOSITORIES does not include it", isExcluded: true }),
    setAside: (repository) =>
      markGone(ports, repository, { why: "the nodes that own it have it", isExcluded: true }),
    retire: (id) => retire(ports, id),
    async confirm(installationId) {
      const count = await confirm(ports, installationId);
      if (count > 0) confirmed.emit(installationId);
      return count;
    },
    onConfirmed: confirmed.on,
  };
}

async function handleMissing(
  ports: RemovalPorts,
  installationId: number,
  repositories: ManagedRepository[],
): Promise<void> {
  // What is found missing one by one counts before the next list lacks it.
  await forSomeAtOnce(repositories, (some) =>
    ports.transaction(() => {
      for (const { id } of some) ports.everywhere?.leave(id);
    }),
  );
  const notHeld = await holdIfTooMany(ports, installationId, repositories);
  await markAllGone(
    ports,
    notHeld.map(({ id }) => id),
    "GitHub no longer lists it",
  );
}

async function confirm(ports: RemovalPorts, installationId: number): Promise<number> {
  const ids = ports.installations.held(installationId)?.repositoryIds ?? [];
  await markAllGone(ports, ids, "an operator confirmed the removal");
  ports.installations.confirm(installationId);
  return ids.length;
}

/** A repository may have changed since it was found. */
const markAllGone = (ports: RemovalPorts, ids: readonly number[], why: string): Promise<void> =>
  forSomeAtOnce(ids, (some) =>
    ports.transaction(() => {
      for (const id of some) {
        const repository = ports.registry.get(id);
        if (repository) markGone(ports, repository, { why });
      }
    }),
  );
