import type { RepositoryName } from "../base/model.js";
import { isNameOwner, linkName, unlinkName } from "./public-name.js";
import { type SweepPorts, sweepLinks } from "./sweep-links.js";

/**
 * Maintains the public names of the mirrors. The registry decides which repository has a name, not a refresh
 * that began earlier.
 */
export interface Links {
  isOwner(id: number, name: RepositoryName): boolean;
  /**
   * Points the repository's name at its mirror, if the registry still gives it that name. @throws
   * RefreshError `foreign`
   */
  link(id: number, name: RepositoryName): void;
  /** Removes a name from a mirror, and gives the name to the repository that has it now. */
  unlink(id: number, name: RepositoryName): void;
  /** Repairs links that disagree with the registry: failed, lost or left over. Never throws. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

export function createLinks(ports: SweepPorts): Links {
  let sweeping: Promise<void> | null = null;
  let stopped = false;

  function sweep(): Promise<void> {
    sweeping ??= sweepLinks(ports, () => stopped)
      .catch((error: unknown) =>
        ports.log.warn({ event: "links_check_failed", err: error }, "the links could not be checked"),
      )
      .finally(() => {
        sweeping = null;
      });
    return sweeping;
  }

  return {
    isOwner: (id, name) => isNameOwner(ports, id, name),
    link: (id, name) => linkName(ports, id, name),
    unlink: (id, name) => unlinkName(ports, id, name),
    sweep,
    async stop() {
      stopped = true;
      await sweeping;
    },
  };
}
