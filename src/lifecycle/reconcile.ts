import type { Log } from "../base/log.js";
import type { RepositoryName, Trigger } from "../base/model.js";
import type { RemoteRepository } from "../base/remote-repository.js";
import type { GitHub } from "../github/api.js";
import type { Installations } from "../registry/installations.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import { reconcileApp } from "./app.js";
import { reconcileInstallation } from "./installation.js";
import { createListPages } from "./list-pages.js";
import { createNameRenewal } from "./name-renewal.js";
import { reconcileByPage } from "./reconcile-page.js";
import type { Removal } from "./removal.js";
import { reconcileRepository } from "./repository.js";

export interface LifecyclePorts {
  github: Pick<
    GitHub,
    "installations" | "loginOf" | "repositories" | "repositoriesOnPage" | "repository" | "installationOf"
  >;
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
  /**
   * Does the same for repositories that were just cloned for the first time, with one call for up to 100 that GitHub lists
   * on one page. @returns of each what `reconcileRepository` returns or throws
   */
  reconcileCloned(
    ids: readonly number[],
  ): Promise<ReadonlyMap<number, PromiseSettledResult<ManagedRepository | null>>>;
  /**
   * Does the same for one that is about to be cloned for the first time, and only because its name was read too long ago:
   * others on its page then need not be asked for.
   */
  renewName(id: number): Promise<ManagedRepository | null>;
}

export function createLifecycle(given: LifecyclePorts): Lifecycle {
  const pages = createListPages();
  const ports = { ...given, pages };
  return {
    reconcileApp: () => reconcileApp(ports),
    reconcileInstallation: (id) => reconcileInstallation(ports, id),
    reconcileRepository: (id) =>
      reconcileRepository(ports, id, { requestsRefresh: false, mayHaveLeft: false }),
    async reconcileCloned(ids) {
      const answers = await reconcileByPage(ports, ids);
      for (const [id, { status }] of answers) if (status === "fulfilled") pages.forget(id);
      return answers;
    },
    renewName: createNameRenewal(ports),
  };
}
