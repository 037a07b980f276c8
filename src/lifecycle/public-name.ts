import { asRefreshError, type RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import { dropLink, type Layout, pointLink } from "../git/disk/layout.js";
import type { ManagedRepository, Registry } from "../registry/repositories.js";

export interface NamePorts {
  layout: Layout;
  registry: Pick<Registry, "find">;
  hasMirror(id: number): boolean;
  log: Pick<Log, "warn">;
}

/**
 * Whether GitHub has confirmed the name since it was last in doubt. Without a certain name readers keep the
 * old link.
 */
export const hasCertainName = ({ answeredAt, doubted, owner, name }: ManagedRepository): boolean =>
  answeredAt > 0 && !doubted && owner !== "" && name !== "";

export const isNameOwner = ({ registry }: NamePorts, id: number, name: RepositoryName): boolean =>
  registry.find(name)?.id === id;

/** @throws RefreshError `foreign` */
export function linkName(ports: NamePorts, id: number, name: RepositoryName): void {
  const { layout } = ports;
  if (isNameOwner(ports, id, name)) pointLink(layout.link(name), layout.mirror(id));
}

/** Removes a name from a mirror, and gives the name to the repository that has it now. */
export function unlinkName(ports: NamePorts, id: number, name: RepositoryName): void {
  const { layout, registry } = ports;
  dropLink(layout.link(name), layout.mirror(id));
  linkOwner(ports, registry.find(name));
}

/**
 * Points the repository's name at its mirror, where both exist.
 * @returns the reason of a failure; null when the link is correct or not needed
 */
export function linkOwner(
  { layout, hasMirror, log }: NamePorts,
  owner: ManagedRepository | null,
): RefreshError | null {
  if (owner === null || !hasCertainName(owner) || owner.state === "retired" || !hasMirror(owner.id))
    return null;
  try {
    pointLink(layout.link(owner), layout.mirror(owner.id));
    return null;
  } catch (error) {
    const failure = asRefreshError(error);
    log.warn(
      { event: "link_failed", repository: fullName(owner), code: failure.code, reason: failure.message },
      "a link could not be created; the next pass tries again",
    );
    return failure;
  }
}
