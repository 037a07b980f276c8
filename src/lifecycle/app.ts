import type { Log } from "../base/log.js";
import type { Trigger } from "../base/model.js";
import { selectInSlices } from "../base/slices.js";
import type { GitHub } from "../github/api.js";
import type { Installations } from "../registry/installations.js";
import type { Registry } from "../registry/repositories.js";
import { type SuspendPorts, suspendInstallation } from "./suspend.js";

export type AppPorts = SuspendPorts & {
  github: Pick<GitHub, "installations">;
  registry: Pick<Registry, "goneBefore" | "managed">;
  installations: Pick<Installations, "all" | "isHeld">;
  /** Requests a refresh that compares every ref. */
  request(id: number, installationId: number, trigger: Trigger): void;
  requestInstallation(id: number): void;
  retireAfterMs: number;
  earliestNow(): number;
  log: Pick<Log, "info">;
};

/** @throws RefreshError when GitHub does not list the App's installations */
export async function reconcileApp(ports: AppPorts): Promise<void> {
  const listed = await ports.github.installations();
  for (const { id, login, suspended } of listed) {
    if (suspended) await suspendInstallation(ports, id, login);
    else noteActive(ports, id, login);
  }
  await requestUnlisted(ports, new Set(listed.map(({ id }) => id)));
  for (const { id, installationId } of ports.registry.goneBefore(ports.earliestNow() - ports.retireAfterMs))
    ports.request(id, installationId, "backstop");
}

function noteActive(ports: AppPorts, id: number, login: string): void {
  if (ports.installations.note(id, "active", login))
    ports.log.info({ event: "installation_active", installation: id }, "installation is back");
  ports.requestInstallation(id);
}

/** Lists installations that are known here but missing from GitHub's list. */
async function requestUnlisted(ports: AppPorts, listed: ReadonlySet<number>): Promise<void> {
  for (const { id, state } of ports.installations.all()) {
    if (listed.has(id)) continue;
    if (state !== "gone" || (await isUnsettled(ports, id))) ports.requestInstallation(id);
  }
}

/** A killed process may have left repositories of a deleted installation neither gone nor held. */
async function isUnsettled({ registry, installations }: AppPorts, installationId: number): Promise<boolean> {
  const unsettled = await selectInSlices(registry.idsOfInstallation(installationId), (id) => {
    return registry.managed(id) !== null && !installations.isHeld(id);
  });
  return unsettled.length > 0;
}
