import type { Log } from "../base/log.js";
import type { RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import { repositoryIdOf } from "../base/wikis.js";
import type { Installations } from "../registry/installations.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";

export interface RetirePorts {
  registry: Pick<Registry, "get" | "setState">;
  installations: Pick<Installations, "isHeld">;
  /** Unpublishes the repository's trees. @returns whether readers may still use one of them */
  withdraw(id: number): boolean;
  /**
   * Deletes mirror and trees. @returns false when something there was not made by Lockstep; then nothing is
   * deleted
   */
  discard(id: number): boolean;
  unlink(id: number, name: RepositoryName): void;
  retireAfterMs: number;
  /** The time by which things are deleted for their age. */
  earliestNow(): number;
  log: Pick<Log, "info" | "warn">;
}

/** Deletes what a gone repository left, once RETIRE_AFTER has passed. */
export function retire(ports: RetirePorts, id: number): void {
  const repository = ports.registry.get(id);
  if (!repository || !isDue(ports, repository)) return;
  // The next pass requests the repository again.
  if (ports.withdraw(id)) return;
  const repositoryName = fullName(repository);
  if (!ports.discard(id)) {
    ports.log.warn(
      { event: "retire_skipped", repository: repositoryName },
      "its directory contains files that Lockstep did not make; skipped",
    );
    return;
  }
  ports.unlink(id, repository);
  ports.registry.setState(id, "retired");
  ports.log.info(
    { event: "repository_retired", repository: repositoryName },
    "retired: its mirror is deleted",
  );
}

/** A paused repository is never retired, and no wiki while the removal of its repository is held. */
const isDue = (ports: RetirePorts, { id, state, pausedAt, goneAt }: ManagedRepository): boolean =>
  !ports.installations.isHeld(repositoryIdOf(id)) &&
  pausedAt === null &&
  state === "gone" &&
  (goneAt ?? 0) <= ports.earliestNow() - ports.retireAfterMs;
