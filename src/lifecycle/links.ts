import type { RepositoryName } from "../base/model.js";
import { isNameOwner, linkName, unlinkName } from "./public-name.js";
import { type SweepPorts, sweepLinks } from "./sweep-links.js";

/** The public names of the mirrors. Whose a name is the registry says, whatever a refresh that began earlier knows. */
export interface Links {
  isOwner(id: number, name: RepositoryName): boolean;
  /** Points its name at a mirror, if the name is still the repository's. @throws RefreshError `foreign` */
  link(id: number, name: RepositoryName): void;
  /** Takes a name away from a mirror; whoever has it now gets it. */
  unlink(id: number, name: RepositoryName): void;
  /** Sets right what is not as the registry says: a link that failed, was lost, or was left over. Never throws. */
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
