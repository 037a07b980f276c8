import { createLedger } from "../checkouts/ledger.js";
import type { Config } from "../config/load.js";
import { createDeliveryLog } from "../deliveries/log.js";
import { createLayout, ownership } from "../git/disk/layout.js";
import { createDisk } from "../machine/disk.js";
import { createEmbeddedQueue } from "../queue/embedded.js";
import { createRequests } from "../queue/requests.js";
import type { Runs } from "../queue/runner.js";
import { createHolds } from "../refresh/holds.js";
import { createScopes } from "../refresh/scope.js";
import { createBootChecks } from "../registry/boot-checks.js";
import { createInstallations } from "../registry/installations.js";
import { createKeptTips } from "../registry/kept-tips.js";
import { createRegistry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import { createFacts } from "../store/facts.js";

type Settings = Pick<Config, "dataDir" | "minFreeDisk" | "quietPeriodMs" | "refspecs" | "checkouts">;

export type Records = ReturnType<typeof createRecords>;

/** Builds the passive parts: what is known, what is requested, and where files lie. */
export function createRecords(config: Settings, store: Store) {
  const { dataDir, minFreeDisk, quietPeriodMs, refspecs, checkouts } = config;
  const layout = createLayout(dataDir);
  const registry = createRegistry(store);
  const queue = createEmbeddedQueue({ store, quietPeriodMs });
  const runs: Runs = new Map();
  return {
    layout,
    registry,
    queue,
    runs,
    requests: createRequests(queue),
    installations: createInstallations(store),
    facts: createFacts(store),
    keptTips: createKeptTips(store),
    bootChecks: createBootChecks(store),
    deliveries: createDeliveryLog(store),
    holds: createHolds(store),
    ledger: createLedger(store),
    disk: createDisk(dataDir, minFreeDisk),
    scopeOf: createScopes({ registry, refspecs, checkouts }),
    hasMirror: (id: number) => ownership(layout.mirror(id), id) === "ours",
  };
}
