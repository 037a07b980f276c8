import { asRefreshError, RefreshError } from "./errors.js";
import type { GitHub } from "./github/github.js";
import type { RemoteRepository, RepositoryName, Trigger } from "./model.js";
import { isOwner, isRefName, isRepositoryName } from "./names.js";
import type { ManagedRepository, Registry } from "./registry.js";
import type { Store } from "./store.js";

export interface LifecyclePorts {
  github: Pick<GitHub, "installations" | "repositories" | "repository" | "installationOf">;
  registry: Registry;
  store: Store;
  /** REPOSITORIES */
  isWanted(fullName: string): boolean;
  /** Asks for a refresh that compares every ref. */
  request(id: number, installationId: number, trigger: Trigger): void;
  requestInstallation(id: number): void;
  hasMirror(id: number): boolean;
  link(id: number, name: RepositoryName): void;
  unlink(id: number, name: RepositoryName): void;
  fullFetchIntervalMs: number;
  now(): number;
  log: { warn(details: object, message: string): void; info(details: object, message: string): void };
}

/**
 * Events about repositories and installations only ask for one of these; each reads the truth from
 * GitHub, so order, loss and repetition of events do not matter.
 */
export interface Lifecycle {
  /** Every installation of the App. */
  reconcileApp(): Promise<void>;
  /** Membership, names, default branches and pushed_at of one installation: 100 repositories a call. */
  reconcileInstallation(id: number): Promise<void>;
  /**
   * @param ask whether to ask for a refresh where something differs; a refresh that runs does not.
   * @returns null when it is none of ours any more
   */
  reconcileRepository(id: number, ask: boolean): Promise<ManagedRepository | null>;
}

export function createLifecycle(ports: LifecyclePorts): Lifecycle {
  const { github, registry } = ports;

  async function reconcileApp(): Promise<void> {
    const installations = await github.installations();
    const listed = new Set(installations.map(({ id }) => id));
    for (const { id, suspended } of installations) {
      if (suspended) suspend(id);
      else ports.requestInstallation(id);
    }
    const known = new Set(registry.all().map(({ installationId }) => installationId));
    for (const id of known) if (!listed.has(id) && id !== 0) ports.requestInstallation(id);
  }

  async function reconcileInstallation(id: number): Promise<void> {
    const seen = new Set<number>();
    try {
      for await (const page of github.repositories(id)) {
        ports.store.transaction(() => {
          for (const remote of page.value) {
            seen.add(remote.id);
            adopt(remote, page.at, true);
          }
        });
      }
    } catch (error) {
      const { code } = asRefreshError(error);
      if (code === "suspended") return suspend(id);
      if (code !== "not_found") throw error;
      ports.log.info({ installation: id }, "installation is gone");
      return registry
        .ofInstallation(id)
        .filter(({ state }) => state !== "gone")
        .forEach(retire);
    }
    // Lists shift while they are paged: what is missing from one is asked for by its id.
    for (const repository of registry.ofInstallation(id)) {
      if (!seen.has(repository.id) && repository.state !== "gone")
        await reconcileRepository(repository.id, true);
    }
  }

  async function reconcileRepository(id: number, ask: boolean): Promise<ManagedRepository | null> {
    const known = registry.get(id);
    if (!known) return null;
    const told = await askFor(known);
    if (!told) {
      retire(known);
      return null;
    }
    return ports.store.transaction(() => adopt(told.value, told.at, ask));
  }

  async function askFor({ id, installationId, owner, name }: ManagedRepository) {
    const told =
      installationId === 0 ? null : await github.repository(installationId, id).catch(nullIfNotFound);
    if (told) return told;
    // Transferred: another installation may hold it now. Its old name still leads there.
    const other = owner === "" ? null : await github.installationOf(owner, name);
    return other === null || other === installationId ? null : github.repository(other, id);
  }

  /** Takes GitHub's word for a repository and asks for a refresh where it differs from what is here. */
  function adopt(remote: RemoteRepository, toldAt: number, ask: boolean): ManagedRepository | null {
    const before = registry.get(remote.id);
    const fullName = `${remote.owner}/${remote.name}`;
    const branch = `refs/heads/${remote.defaultBranch}`;
    if (!isOwner(remote.owner) || !isRepositoryName(remote.name) || !isRefName(branch)) {
      ports.log.warn({ repository: fullName }, "a name against GitHub's own rules; left alone");
      return null;
    }
    if (!ports.isWanted(fullName)) {
      if (before) retire(before);
      return null;
    }
    registry.confirm(remote, toldAt);
    if (before && (before.state === "gone" || before.state === "suspended")) {
      registry.setState(remote.id, "onboarding");
    }
    name(remote, before);
    const repository = registry.get(remote.id)!;
    const trigger = needs(repository, before);
    if (trigger && ask) ports.request(remote.id, remote.installationId, trigger);
    return repository;
  }

  function name(remote: RemoteRepository, before: ManagedRepository | null): void {
    const renamed = before && (before.owner !== remote.owner || before.name !== remote.name);
    try {
      if (renamed) ports.unlink(remote.id, before);
      if (ports.hasMirror(remote.id)) ports.link(remote.id, remote);
    } catch (error) {
      ports.log.warn(
        { repository: `${remote.owner}/${remote.name}`, code: asRefreshError(error).code },
        String(error),
      );
    }
  }

  function needs(now: ManagedRepository, before: ManagedRepository | null): Trigger | null {
    if (now.state === "onboarding") return "onboard";
    const moved = before !== null && before.defaultBranch !== now.defaultBranch;
    const differs = now.state !== "fresh" || moved || now.pushedAt > now.settledPushedAt;
    return differs || isDueForComparison(now) ? "backstop" : null;
  }

  /** Spread over a fifth of the interval by id, so that repositories cloned together part ways. */
  function isDueForComparison({ id, fullAt }: ManagedRepository): boolean {
    const share = 0.8 + 0.2 * (((id * 2654435761) >>> 0) / 2 ** 32);
    return ports.now() - (fullAt ?? 0) > ports.fullFetchIntervalMs * share;
  }

  function retire(repository: ManagedRepository): void {
    registry.setState(repository.id, "gone");
    ports.log.warn(
      { repository: `${repository.owner}/${repository.name}` },
      "no longer managed; its mirror is kept",
    );
  }

  function suspend(installationId: number): void {
    for (const { id, state } of registry.ofInstallation(installationId)) {
      if (state !== "gone") registry.setState(id, "suspended");
    }
    ports.log.warn(
      { installation: installationId },
      "installation is suspended; its repositories are paused",
    );
  }

  return { reconcileApp, reconcileInstallation, reconcileRepository };
}

function nullIfNotFound(error: unknown): null {
  if (error instanceof RefreshError && error.code === "not_found") return null;
  throw error;
}
