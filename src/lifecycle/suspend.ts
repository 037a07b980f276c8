import type { Log } from "../base/log.js";
import type { Installations } from "../registry/installations.js";
import { isManaged, type Registry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";

export interface SuspendPorts {
  registry: Pick<Registry, "ofInstallation" | "setState">;
  installations: Pick<Installations, "note">;
  store: Pick<Store, "transaction">;
  log: Pick<Log, "warn">;
}

/**
 * Keeps all repositories of an installation unchanged until its owner unsuspends it.
 * @param login null when the login is unknown or unchanged
 */
export function suspendInstallation(
  { registry, installations, store, log }: SuspendPorts,
  id: number,
  login: string | null,
): void {
  // Each transaction waits for the disk, so thousands of repositories share one.
  store.transaction(() => {
    for (const repository of registry.ofInstallation(id)) {
      if (isManaged(repository) && repository.state !== "suspended")
        registry.setState(repository.id, "suspended");
    }
  });
  if (!installations.note(id, "suspended", login)) return;
  log.warn(
    { event: "installation_suspended", installation: id },
    "installation is suspended; its repositories are paused",
  );
}
