import type { Log } from "../base/log.js";
import { fullName } from "../base/names.js";
import type { Doubts } from "../git/mirror/options.js";
import { type AfterBootPorts, doubtMirrors, requestSome, waitsForTurn } from "../lifecycle/after-boot.js";
import { isNewBoot } from "../machine/boot.js";
import { createMaintenanceLog } from "../maintenance/log.js";
import type { Ground } from "./ground.js";
import type { Records } from "./records.js";

interface Needs {
  log: Log;
  ground: Ground;
  records: Records;
}

/** Under this name the database has the boot id of Lockstep's last run. */
const FACT = "boot";

export type AfterBoot = ReturnType<typeof openAfterBoot>;

/** Doubts every mirror when the machine was restarted since Lockstep last ran. */
export function openAfterBoot(boot: string, { log, ground, records }: Needs) {
  const { bootChecks: checks, registry, requests, facts } = records;
  const ports: AfterBootPorts = {
    checks,
    registry,
    log,
    request: ({ id, installationId }) => requests.repository(id, installationId),
    hourlyCalls(installationId) {
      const whose = `installation ${installationId}`;
      return ground.github.usage().limits.find((limit) => limit.whose === whose)?.limit ?? null;
    },
    comparingMs: (id) => records.queue.comparingMs({ kind: "repository", id }),
    transaction: ground.store.transaction,
  };
  if (isNewBoot(facts.get<string>(FACT), boot))
    ground.store.transaction(() => {
      doubtMirrors(ports);
      facts.set(FACT, boot);
    });
  return {
    requestSome: () => requestSome(ports),
    waitsForTurn: (id: number) => waitsForTurn(ports, id),
  };
}

export function createDoubts({ log, ground, records }: Needs): Doubts {
  const { bootChecks, registry } = records;
  const maintenance = createMaintenanceLog(ground.store);
  return {
    needsInspection: bootChecks.needsInspection,
    inspected: bootChecks.inspected,
    checkedAt: (id) => maintenance.get(id).runs.check.doneAt,
    onBroken(id, reason) {
      const known = registry.get(id);
      log.warn(
        { event: "mirror_corrupt", repository: known ? fullName(known) : String(id), reason },
        "the mirror is corrupt; Lockstep clones it again",
      );
    },
  };
}
