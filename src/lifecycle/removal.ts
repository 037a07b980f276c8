import { createSignal, type Subscribe } from "../base/signal.js";
import { forSomeAtOnce, selectInSlices } from "../base/slices.js";
import type { Installations } from "../registry/installations.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import { AT_ONCE_MS, type HoldPorts, holdIfTooMany, isFewSince } from "./hold.js";
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
  /**
   * Takes in what an operator confirmed at another node: of the same repositories nobody is to be asked again when this
   * node finds them missing, too.
   */
  takeConfirmation(confirmation: Confirmation): Promise<void>;
  /** Reports that the removal of these repositories was confirmed here, or believed without a confirmation just before. */
  onConfirmed: Subscribe<[installationId: number, repositoryIds: readonly number[]]>;
}

/** An operator's word that the removal of these repositories is meant. */
export interface Confirmation {
  installationId: number;
  repositoryIds: readonly number[];
  /** When the operator said so, in milliseconds since 1970. */
  at: number;
}

export function createRemoval(ports: RemovalPorts): Removal {
  const confirmed = createSignal<[installationId: number, repositoryIds: readonly number[]]>();
  return {
    handleMissing: (installationId, repositories) => handleMissing(ports, installationId, repositories),
    holdIfTooMany: (installationId, repositories) => holdIfTooMany(ports, installationId, repositories),
    exclude: (repository) =>
      markGone(ports, repository, { why: "REPOSITORIES does not include it", isExcluded: true }),
    setAside: (repository) =>
      markGone(ports, repository, { why: "the nodes that own it have it", isExcluded: true }),
    retire: (id) => retire(ports, id),
    async confirm(installationId) {
      const ids = ports.installations.held(installationId)?.repositoryIds ?? [];
      // The first few were believed to be gone one by one; another node may hold them with the rest.
      const believed = ports.registry.goneSince(installationId, ports.now() - AT_ONCE_MS);
      await confirm(ports, { installationId, ids, at: null });
      if (ids.length > 0) confirmed.emit(installationId, [...ids, ...believed]);
      return ids.length;
    },
    takeConfirmation: (confirmation) => takeConfirmation(ports, confirmation),
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
      for (const { id } of some) ports.everywhere?.leave(id, ports.now());
    }),
  );
  const notHeld = await holdIfTooMany(ports, installationId, repositories);
  await markAllGone(
    ports,
    notHeld.map(({ id }) => id),
    "GitHub no longer lists it",
  );
}

interface Confirmed {
  installationId: number;
  ids: readonly number[];
  /** When an operator said so at another node, in milliseconds since 1970; null: now, at this one. */
  at: number | null;
}

/** What one transaction has confirmed stays so when a later one fails. */
async function confirm(ports: RemovalPorts, { installationId, ids, at }: Confirmed): Promise<void> {
  const { registry, installations, everywhere, now } = ports;
  await forSomeAtOnce(ids, (some) =>
    ports.transaction(() => {
      for (const id of some) {
        // Counted before the confirmation, it does not count for the next removal.
        everywhere?.leave(id, at ?? now());
        installations.release(id);
        const repository = registry.get(id);
        if (repository?.installationId === installationId)
          markGone(ports, repository, { why: "an operator confirmed the removal" });
      }
    }),
  );
  installations.confirm(installationId, at ?? now());
}

async function takeConfirmation(
  ports: RemovalPorts,
  { installationId, repositoryIds, at }: Confirmation,
): Promise<void> {
  const { registry, installations } = ports;
  const held = installations.held(installationId);
  // What is held here since, and what GitHub has shown here since, the operator did not mean.
  const heldBefore = held && held.heldAt <= at ? held.repositoryIds : [];
  const named = await selectInSlices(repositoryIds, (id) => (registry.get(id)?.askedAt ?? 0) <= at);
  const ids = [...new Set([...heldBefore, ...named])];
  if (ids.length > 0) await confirm(ports, { installationId, ids, at: Math.min(at, ports.now()) });
  await believeIfFew(ports, installationId, at);
}

/**
 * What was held together with what is confirmed now may be few by itself: the node where it was confirmed believed it, or
 * will.
 */
async function believeIfFew(ports: RemovalPorts, installationId: number, at: number): Promise<void> {
  const rest = ports.installations.held(installationId)?.repositoryIds ?? [];
  if (rest.length === 0 || !isFewSince(ports, installationId, { held: rest.length, at })) return;
  await markAllGone(ports, rest, "GitHub no longer lists it, with few others");
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
