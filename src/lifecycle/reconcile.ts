import type { Log } from "../base/log.js";
import type { RepositoryName, Trigger } from "../base/model.js";
import type { RemoteRepository } from "../base/remote-repository.js";
import type { GitHub } from "../github/api.js";
import type { Installations } from "../registry/installations.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import { reconcileApp } from "./app.js";
import { reconcileInstallation } from "./installation.js";
import type { Removal } from "./removal.js";
import { reconcileRepository } from "./repository.js";

export interface LifecyclePorts {
  github: Pick<GitHub, "installations" | "repositories" | "repository" | "installationOf">;
  registry: Registry;
  installations: Installations;
  removal: Removal;
  store: Store;
  /** See `ApplyPorts.isWanted`. */
  isWanted(remote: RemoteRepository, isKept: boolean): boolean;
  /** Requests a refresh that compares every ref. */
  request(id: number, installationId: number, trigger: Trigger): void;
  requestInstallation(id: number): void;
  hasMirror(id: number): boolean;
  link(id: number, name: RepositoryName): void;
  unlink(id: number, name: RepositoryName): void;
  fullFetchIntervalMs: number;
  /**
   * Returns for how long a comparison of the repository has gone on, or a refresh that a comparison follows, in
   * milliseconds; null: there is none.
   */
  comparingMs(id: number): number | null;
  retireAfterMs: number;
  earliestNow(): number;
  now(): number;
  log: Pick<Log, "info" | "warn">;
}

/**
 * Events about repositories and installations only request a reconcile, which reads the state from GitHub.
 * Order, loss and repetition of events therefore do not matter.
 */
export interface Lifecycle {
  /** Reconciles every installation of the App, and requests repositories whose retirement is due. */
  reconcileApp(): Promise<void>;
  /**
   * Reconciles membership, names, default branches and pushed_at of one installation, 100 repositories per
   * call.
   */
  reconcileInstallation(id: number): Promise<void>;
  /**
   * Reconciles one repository, inside its own refresh. @returns null when the repository is not managed any
   * more
   */
  reconcileRepository(id: number): Promise<ManagedRepository | null>;
}

export function createLifecycle(ports: LifecyclePorts): Lifecycle {
  return {
    reconcileApp: () => reconcileApp(ports),
    reconcileInstallation: (id) => reconcileInstallation(ports, id),
    reconcileRepository: (id) =>
      reconcileRepository(ports, id, { requestsRefresh: false, mayHaveLeft: false }),
  };
}
