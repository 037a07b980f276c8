import type { Log } from "../base/log.js";
import { forSomeAtOnce } from "../base/slices.js";
import type { Installations } from "../registry/installations.js";
import type { Registry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";

export interface SuspendPorts {
  registry: Pick<Registry, "idsOfInstallation" | "managed" | "setState">;
  installations: Pick<Installations, "note">;
  store: Pick<Store, "transaction">;
  log: Pick<Log, "warn">;
}

/**
 * Keeps all repositories of an installation unchanged until its owner unsuspends it. If it is interrupted, the next pass
 * goes on with the others.
 * @param login null when the login is unknown or unchanged
 */
export async function suspendInstallation(
  { registry, installations, store, log }: SuspendPorts,
  id: number,
  login: string | null,
): Promise<void> {
  await forSomeAtOnce(registry.idsOfInstallation(id), (ids) =>
    store.transaction(() => {
      for (const one of ids) {
        const repository = registry.managed(one);
        if (repository && repository.state !== "suspended") registry.setState(one, "suspended");
      }
    }),
  );
  if (!installations.note(id, "suspended", login)) return;
  log.warn(
    { event: "installation_suspended", installation: id },
    "installation is suspended; its repositories are paused",
  );
}
