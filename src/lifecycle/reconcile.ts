import { hasTrait } from "../base/error-codes.js";
import { asRefreshError, RefreshError } from "../base/errors.js";
import { MAX_CLOCK_SKEW_S, REPLICA_LAG_MS } from "../base/github-facts.js";
import type { Log } from "../base/log.js";
import type { RemoteRepository, RepositoryName, Trigger } from "../base/model.js";
import { fullName, isOwner, isRefName, isRepositoryName } from "../base/names.js";
import type { GitHub } from "../github/api.js";
import type { Installations } from "../registry/installations.js";
import { isManaged, type ManagedRepository, type Registry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import type { Removal } from "./removal.js";

export interface LifecyclePorts {
  github: Pick<GitHub, "installations" | "repositories" | "repository" | "installationOf">;
  registry: Registry;
  installations: Installations;
  removal: Removal;
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
  retireAfterMs: number;
  now(): number;
  log: Pick<Log, "info" | "warn">;
}

/**
 * Events about repositories and installations only ask for one of these; each reads the truth from
 * GitHub, so order, loss and repetition of events do not matter.
 */
export interface Lifecycle {
  /** Every installation of the App, and the repositories whose time to be retired has come. */
  reconcileApp(): Promise<void>;
  /** Membership, names, default branches and pushed_at of one installation: 100 repositories a call. */
  reconcileInstallation(id: number): Promise<void>;
  /** What GitHub tells of one repository. @returns null when it is none of ours any more */
  reconcileRepository(id: number): Promise<ManagedRepository | null>;
}

export function createLifecycle(ports: LifecyclePorts): Lifecycle {
  const { github, registry, installations, removal } = ports;

  async function reconcileApp(): Promise<void> {
    const told = await github.installations();
    for (const { id, login, suspended } of told) {
      if (suspended) suspend(id, login);
      else note(id, login);
    }
    const listed = new Set(told.map(({ id }) => id));
    const unlisted = installations.all().filter(({ id }) => !listed.has(id));
    for (const { id, state } of unlisted)
      if (state !== "gone" || isUnsettled(id)) ports.requestInstallation(id);
    for (const { id, installationId } of registry.goneBefore(ports.now() - ports.retireAfterMs))
      ports.request(id, installationId, "backstop");
  }

  /** A process that was killed may have left repositories of a gone installation neither gone nor held. */
  const isUnsettled = (installationId: number) =>
    registry.ofInstallation(installationId).some((it) => isManaged(it) && !installations.isHeld(it.id));

  function note(id: number, login: string): void {
    if (installations.note(id, "active", login)) ports.log.info({ installation: id }, "installation is back");
    ports.requestInstallation(id);
  }

  async function reconcileInstallation(id: number): Promise<void> {
    const seen = new Set<number>();
    try {
      for await (const page of github.repositories(id)) {
        ports.store.transaction(() => {
          for (const remote of page.value) {
            seen.add(remote.id);
            take(remote, page.at, true);
          }
        });
      }
    } catch (error) {
      return cannotList(id, asRefreshError(error));
    }
    if (installations.note(id, "active", null)) ports.log.info({ installation: id }, "installation is back");
    installations.listed(id);
    await missing(
      id,
      // What may be yet to come is asked for by the request of the delivery that told of it.
      registry.ofInstallation(id).filter((it) => isManaged(it) && !seen.has(it.id) && !mayBeToCome(it)),
    );
  }

  function cannotList(id: number, error: RefreshError): void {
    if (error.code === "suspended") {
      suspend(id, null);
      return;
    }
    if (error.code !== "not_found") {
      installations.failed(id, error);
      throw error;
    }
    if (installations.note(id, "gone", null)) ports.log.warn({ installation: id }, "installation is gone");
    removal.leave(id, registry.ofInstallation(id));
  }

  /** Lists shift while they are paged: what is missing from one is asked for by its id, unless it is too many. */
  async function missing(installationId: number, repositories: ManagedRepository[]): Promise<void> {
    const failed: unknown[] = [];
    for (const { id } of removal.holdIfTooMany(installationId, repositories))
      await reconcileRepository(id, true, true).catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
  }

  /**
   * @param ask whether to ask for a refresh where something differs; a refresh that runs does not.
   * @param doubted whether it may have left its installation.
   */
  async function reconcileRepository(
    id: number,
    ask: boolean,
    doubted: boolean,
  ): Promise<ManagedRepository | null> {
    const known = registry.get(id);
    if (!known) return null;
    const isNew = known.toldAt === 0;
    const inDoubt = doubted || isNew || !isManaged(known) || installations.isHeld(id);
    const told = await (inDoubt ? askMembership(known) : askFor(known)).catch((error: unknown) =>
      askElsewhere(known, asRefreshError(error)),
    );
    if (told === "suspended") return null;
    const taken = told && ports.store.transaction(() => take(told.value, told.at, ask));
    if (!told) removal.leave(known.installationId, [known]);
    // A refresh holds the writer slot of its repository; nothing else may delete there.
    if (!taken && !ask) removal.retire(id);
    return taken;
  }

  const byId = (installationId: number, id: number) =>
    installationId === 0
      ? Promise.resolve(null)
      : github.repository(installationId, id).catch(nullIfNotFound);

  /** A delivery of that installation told of it a moment ago, which GitHub's replicas may not have heard of. */
  const mayBeToCome = ({ toldAt, installationId, addedAt }: ManagedRepository) =>
    toldAt === 0 && installationId !== 0 && ports.now() - addedAt < REPLICA_LAG_MS;

  async function askFor(known: ManagedRepository) {
    return (await byId(known.installationId, known.id)) ?? askMembership(known);
  }

  /**
   * Any token reads any public repository, so an answer by id does not prove that the App is installed
   * there. The name does: an old one leads to where the repository is now.
   */
  async function askMembership(known: ManagedRepository) {
    const { id, installationId, owner, name } = known;
    const told = await byId(installationId, id);
    if (!told && mayBeToCome(known))
      throw new RefreshError("not_yet", "GitHub does not know the new repository yet");
    const now = told?.value ?? { owner, name };
    const holder = now.owner === "" ? null : await github.installationOf(now.owner, now.name);
    if (holder === null) return null;
    return holder === installationId ? told : askHolder(holder, id);
  }

  /** Transferred to an installation that is suspended: it waits there, and nobody else does. */
  async function askHolder(holder: number, id: number) {
    try {
      return await byId(holder, id);
    } catch (error) {
      if (asRefreshError(error).code !== "suspended") throw error;
      registry.moveTo(id, holder);
      registry.setState(id, "suspended");
      suspend(holder, null);
      return "suspended" as const;
    }
  }

  /** A suspended installation tells of nothing; the App's own key tells whether another one has the repository now. */
  async function askElsewhere({ id, installationId, owner, name }: ManagedRepository, error: RefreshError) {
    if (error.code !== "suspended" || owner === "") throw error;
    const holder = await github.installationOf(owner, name);
    if (holder === null || holder === installationId) throw error;
    const told = await byId(holder, id);
    // The name may be another repository's by now, and any token reads a public one.
    const now = told && (await github.installationOf(told.value.owner, told.value.name));
    if (now !== holder) throw error;
    return told;
  }

  /** Takes GitHub's word for a repository and asks for a refresh where it differs from what is here. */
  function take(remote: RemoteRepository, toldAt: number, ask: boolean): ManagedRepository | null {
    const before = registry.get(remote.id);
    const name = fullName(remote);
    const branch = `refs/heads/${remote.defaultBranch}`;
    if (!isOwner(remote.owner) || !isRepositoryName(remote.name) || !isRefName(branch)) {
      ports.log.warn({ repository: name }, "a name against GitHub's own rules; left alone");
      return null;
    }
    if (!ports.isWanted(name)) {
      if (before) removal.exclude(before);
      return null;
    }
    if (before && isOvertaken(before.toldAt, toldAt) && isManaged(before)) return before;
    registry.confirm(remote, toldAt);
    const returns = before !== null && comesBack(before);
    const renamed = before !== null && (before.owner !== remote.owner || before.name !== remote.name);
    if (returns || renamed) renameLinks(remote, renamed ? before : null);
    if (before?.state === "fresh" && !ports.hasMirror(remote.id)) lost(before);
    const repository = registry.get(remote.id)!;
    const trigger = needs(repository, before);
    // What it missed while it was away, a refresh of single refs does not bring.
    if (trigger && (ask || returns)) ports.request(remote.id, remote.installationId, trigger);
    return repository;
  }

  /** Gone, suspended or held, and GitHub shows it again: what its mirror has is not compared yet. */
  function comesBack(repository: ManagedRepository): boolean {
    const { id, state } = repository;
    const held = installations.isHeld(id);
    if (held) installations.release(id);
    if (!held && state !== "gone" && state !== "retired" && state !== "suspended") return false;
    registry.setState(id, ports.hasMirror(id) ? "behind" : "onboarding");
    ports.log.info({ repository: fullName(repository), was: held ? "held" : state }, "managed again");
    return true;
  }

  /** Whoever took it away, what was said of it is no longer true. */
  function lost(repository: ManagedRepository): void {
    registry.setState(repository.id, "onboarding");
    ports.log.warn({ repository: fullName(repository) }, "its mirror is missing: it is cloned anew");
  }

  /** What fails is set right by the next look at all links. */
  function renameLinks(remote: RemoteRepository, former: RepositoryName | null): void {
    try {
      if (ports.hasMirror(remote.id)) ports.link(remote.id, remote);
      if (former) ports.unlink(remote.id, former);
    } catch (error) {
      ports.log.warn({ repository: fullName(remote), code: asRefreshError(error).code }, String(error));
    }
  }

  function needs(now: ManagedRepository, before: ManagedRepository | null): Trigger | null {
    if (now.pausedAt !== null) return null;
    if (now.state === "onboarding") return "onboard";
    const moved = before !== null && before.defaultBranch !== now.defaultBranch;
    // What a person at GitHub can put right is tried at once, however long it has been failing.
    if (now.state === "failing" && hasTrait(now.error?.code ?? "", "concernsAccess")) return "onboard";
    const differs = now.state !== "fresh" || moved || now.recheck || now.pushedAt > now.settledPushedAt;
    return differs || isDueForComparison(now) ? "backstop" : null;
  }

  /** Spread over a fifth of the interval by id, so that repositories cloned together part ways. */
  function isDueForComparison({ id, fullAt }: ManagedRepository): boolean {
    const share = 0.8 + 0.2 * (((id * 2654435761) >>> 0) / 2 ** 32);
    return ports.now() - (fullAt ?? 0) > ports.fullFetchIntervalMs * share;
  }

  function suspend(id: number, login: string | null): void {
    for (const repository of registry.ofInstallation(id)) {
      if (isManaged(repository) && repository.state !== "suspended")
        registry.setState(repository.id, "suspended");
    }
    if (!installations.note(id, "suspended", login)) return;
    ports.log.warn({ installation: id }, "installation is suspended; its repositories are paused");
  }

  return {
    reconcileApp,
    reconcileInstallation,
    reconcileRepository: (id) => reconcileRepository(id, false, false),
  };
}

/** An answer that was on its way while a later one came in. */
const isOvertaken = (knownAt: number, toldAt: number): boolean =>
  toldAt < knownAt && knownAt - toldAt <= MAX_CLOCK_SKEW_S;

function nullIfNotFound(error: unknown): null {
  if (error instanceof RefreshError && error.code === "not_found") return null;
  throw error;
}
