import { asRefreshError } from "../base/errors.js";
import { MAX_CLOCK_SKEW_S } from "../base/github-facts.js";
import type { Log } from "../base/log.js";
import type { RepositoryName, Trigger } from "../base/model.js";
import { fullName, isOwner, isRefName, isRepositoryName } from "../base/names.js";
import type { RemoteRepository } from "../base/remote-repository.js";
import type { Dated } from "../github/rest.js";
import type { Installations } from "../registry/installations.js";
import { isManaged, type ManagedRepository, type Registry } from "../registry/repositories.js";
import { findNeed, type NeedPorts } from "./needs.js";
import type { Removal } from "./removal.js";

export interface ApplyPorts extends NeedPorts {
  registry: Pick<Registry, "get" | "confirm" | "setState">;
  installations: Pick<Installations, "isHeld" | "release">;
  removal: Pick<Removal, "exclude">;
  /**
   * Whether REPOSITORIES includes the repository, and this node is to have it.
   * @param isKept decides where GitHub did not say what REPOSITORIES asks for
   */
  isWanted(remote: RemoteRepository, isKept: boolean): boolean;
  /** Requests a refresh that compares every ref. */
  request(id: number, installationId: number, trigger: Trigger): void;
  hasMirror(id: number): boolean;
  link(id: number, name: RepositoryName): void;
  unlink(id: number, name: RepositoryName): void;
  log: Pick<Log, "info" | "warn">;
}

export interface ApplyOptions {
  /** Whether a difference requests a refresh; a reconcile inside a running refresh needs none. */
  requestsRefresh: boolean;
}

/**
 * Applies GitHub's answer about a repository, and requests a refresh where the answer differs from the
 * registry.
 * @returns null when the repository is not managed
 */
export function applyRemote(
  ports: ApplyPorts,
  { value: remote, at: answeredAt, askedAt }: Dated<RemoteRepository>,
  { requestsRefresh }: ApplyOptions,
): ManagedRepository | null {
  const { registry } = ports;
  const before = registry.get(remote.id);
  if (!hasValidNames(remote)) {
    ports.log.warn(
      { event: "repository_name_invalid", repository: fullName(remote) },
      "skipped a repository whose name breaks GitHub's own rules",
    );
    return null;
  }
  const isKept = before !== null && before.answeredAt > 0 && isManaged(before);
  if (!ports.isWanted(remote, isKept)) {
    if (before) ports.removal.exclude(before);
    return null;
  }
  if (before && isOvertaken(before.answeredAt, answeredAt) && isManaged(before)) return before;
  registry.confirm(remote, answeredAt, askedAt);
  const returns = before !== null && manageAgain(ports, before);
  const isRenamed = before !== null && (before.owner !== remote.owner || before.name !== remote.name);
  if (returns || isRenamed) renameLinks(ports, remote, isRenamed ? before : null);
  const wasInStep = before?.state === "fresh" || before?.state === "incomplete";
  if (before && wasInStep && !ports.hasMirror(remote.id)) onboardAgain(ports, before);
  const repository = registry.get(remote.id)!;
  const trigger = findNeed(ports, repository, before);
  // A refresh of single refs would not fetch what the repository missed while it was not managed.
  if (trigger && (requestsRefresh || returns)) ports.request(remote.id, remote.installationId, trigger);
  return repository;
}

function hasValidNames({ owner, name, defaultBranch }: RemoteRepository): boolean {
  return isOwner(owner) && isRepositoryName(name) && isRefName(`refs/heads/${defaultBranch}`);
}

/** Whether a newer answer was applied while this one was on its way. */
const isOvertaken = (knownAt: number, answeredAt: number): boolean =>
  answeredAt < knownAt && knownAt - answeredAt <= MAX_CLOCK_SKEW_S;

/**
 * Manages a repository again that was gone, suspended or held. Its mirror has not been compared since.
 * @returns whether the repository was in one of these states
 */
function manageAgain(
  { registry, installations, hasMirror, log }: ApplyPorts,
  repository: ManagedRepository,
): boolean {
  const { id, state } = repository;
  const isHeld = installations.isHeld(id);
  if (isHeld) installations.release(id);
  if (!isHeld && state !== "gone" && state !== "retired" && state !== "suspended") return false;
  registry.setState(id, hasMirror(id) ? "behind" : "onboarding");
  log.info(
    { event: "repository_returned", repository: fullName(repository), was: isHeld ? "held" : state },
    "managed again",
  );
  return true;
}

/** Resets a repository whose mirror was deleted; its old proofs no longer hold. */
function onboardAgain({ registry, log }: ApplyPorts, repository: ManagedRepository): void {
  registry.setState(repository.id, "onboarding");
  log.warn(
    { event: "mirror_missing", repository: fullName(repository) },
    "the mirror is missing; Lockstep clones it again",
  );
}

/** The next sweep over all links repairs a failure. */
function renameLinks(
  { hasMirror, link, unlink, log }: ApplyPorts,
  remote: RemoteRepository,
  former: RepositoryName | null,
): void {
  try {
    if (hasMirror(remote.id)) link(remote.id, remote);
    if (former) unlink(remote.id, former);
  } catch (error) {
    log.warn(
      { event: "links_not_renamed", repository: fullName(remote), code: asRefreshError(error).code },
      String(error),
    );
  }
}
