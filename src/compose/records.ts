import { createAudit } from "../access/audit.js";
import { createAccessTokens } from "../access/tokens.js";
import { createHolders } from "../base/holders.js";
import { createLedger } from "../checkouts/ledger.js";
import type { Config } from "../config/load.js";
import { createDeliveryLog } from "../deliveries/log.js";
import { createLayout, ownership } from "../git/disk/layout.js";
import type { GitHub } from "../github/api.js";
import type { Disk } from "../machine/disk.js";
import type { RefreshQueue } from "../queue/contract.js";
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

type Settings = Pick<Config, "dataDir" | "quietPeriodMs" | "refspecs" | "checkouts" | "gitUrl">;

interface Ground {
  store: Store;
  github: GitHub;
  disk: Disk;
}

export type Records = ReturnType<typeof createRecords>;

/** Builds the passive parts: what is known, what is requested, and where files lie. */
export function createRecords(config: Settings, { store, github, disk }: Ground) {
  const { dataDir, quietPeriodMs, refspecs, checkouts } = config;
  const layout = createLayout(dataDir);
  const registry = createRegistry(store);
  const hasMirror = (id: number) => ownership(layout.mirror(id), id) === "ours";
  const isOnboarding = (id: number) => registry.identityOf(id)?.state === "onboarding";
  const queue = createEmbeddedQueue({
    store,
    quietPeriodMs,
    gitHost: new URL(config.gitUrl).host,
    // Reading GitHub's lists writes rows of the database alone, for which the reserve is kept.
    hasRoom: (workClass) =>
      workClass === "list" || disk.hasRoom(workClass === "publish" ? "publish" : "refresh"),
    needsClone: (id) => isOnboarding(id) || !hasMirror(id),
    isOnboarding,
  });
  keepHolds(queue, github);
  const runs: Runs = new Map();
  return {
    layout,
    registry,
    queue,
    runs,
    /** The mirrors for which fetches for readers wait or run. */
    fetches: createHolders<number>(),
    requests: createRequests(queue),
    installations: createInstallations(store),
    facts: createFacts(store),
    keptTips: createKeptTips(store),
    bootChecks: createBootChecks(store),
    deliveries: createDeliveryLog(store),
    holds: createHolds(store),
    ledger: createLedger(store),
    accessTokens: createAccessTokens(store, { now: Date.now, latestNow: github.latestNow }),
    audit: createAudit(store),
    disk,
    scopeOf: createScopes({ registry, refspecs, checkouts }),
    hasMirror,
  };
}

/** GitHub may have asked an earlier process to wait. An answer of GitHub's API ends its outage. */
function keepHolds(queue: RefreshQueue, github: Pick<GitHub, "hold" | "onAnswer">): void {
  for (const { kind, owner, id, until } of queue.held()) {
    if (kind !== "rest" || owner === "repository") continue;
    github.hold(owner === "installation" ? id : owner, until);
  }
  github.onAnswer(() => queue.reached({ kind: "rest", whose: "everything" }));
}
