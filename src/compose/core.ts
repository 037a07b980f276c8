import { createAnnouncer } from "../announce/announcer.js";
import type { Log } from "../base/log.js";
import { keyOf, type RepositoryName, type Subject, type Trigger } from "../base/model.js";
import { composeCheckouts } from "../checkouts/setup.js";
import type { Config } from "../config/load.js";
import { createDeliveryLog, type DeliveryLog } from "../deliveries/log.js";
import type { RecoveryState } from "../deliveries/recovery.js";
import { createLayout, discard, ownership } from "../git/disk/layout.js";
import { createMirrors } from "../git/mirror/mirrors.js";
import { createReach } from "../git/mirror/reach.js";
import { createUpkeep } from "../git/mirror/upkeep.js";
import type { RunGit } from "../git/run/exec.js";
import type { createGateway } from "../git/transport/gateway.js";
import type { GitHub } from "../github/api.js";
import { createLinks } from "../lifecycle/links.js";
import { createLifecycle } from "../lifecycle/reconcile.js";
import { createRemoval } from "../lifecycle/removal.js";
import { createDisk } from "../machine/disk.js";
import type { RunProgram } from "../machine/programs.js";
import { createMaintenanceLog } from "../maintenance/log.js";
import { createMaintenance, type Maintenance } from "../maintenance/scheduler.js";
import { createEmbeddedQueue } from "../queue/embedded.js";
import { createRunner } from "../queue/runner.js";
import { createBringer } from "../refresh/bring.js";
import { createGuard } from "../refresh/guard.js";
import { createHolds } from "../refresh/holds.js";
import { createRefreshLog } from "../refresh/log.js";
import { createScopes } from "../refresh/scope.js";
import { createInstallations } from "../registry/installations.js";
import { createRegistry } from "../registry/repositories.js";
import type { Store } from "../store/database.js";
import { createFacts } from "../store/facts.js";
import { createSyncer } from "../syncer.js";
import type { Metrics } from "../watch/metrics.js";
import { createWatch } from "../watch/monitor.js";
import { createWorker } from "../worker.js";
import { progressLog } from "./preflight.js";

/** A repository of some gigabytes is repacked within it, on one processor. */
const MAINTENANCE_TIMEOUT_MS = 2 * 3_600_000;

export interface Adapters {
  metrics: Metrics;
  store: Store;
  git: RunGit;
  github: GitHub;
  gateway: Awaited<ReturnType<typeof createGateway>>;
  runProgram: RunProgram;
}

/** How it is heard of pushes. A server that reads GitHub's log may be called besides. */
function hearing({ deliveries, webhookSecrets }: Config, log: DeliveryLog) {
  if (deliveries === "pull") return { heardBy: deliveries, lastHeardAt: log.lastAt };
  return { heardBy: webhookSecrets.length > 0 ? deliveries : null, lastHeardAt: log.lastCallAt };
}

/** Queue → runner → worker → syncer and lifecycle, with all that they stand on. */
export function createCore(config: Config, log: Log, adapters: Adapters) {
  const { store, git, github, gateway, metrics, runProgram } = adapters;
  const layout = createLayout(config.dataDir);
  const registry = createRegistry(store);
  const installations = createInstallations(store);
  const facts = createFacts(store);
  const disk = createDisk(config.dataDir, config.minFreeDisk);
  const deliveries = createDeliveryLog(store);
  const queue = createEmbeddedQueue({ store, quietPeriodMs: config.quietPeriodMs });
  const scopeOf = createScopes({ ...config, registry });
  const mirrors = createMirrors({
    ...{ ...config, git, layout, scopeOf },
    published: (id) => checkouts.pins(id),
  });
  const request = (kind: Subject["kind"], id: number, installationId: number, trigger: Trigger) => {
    queue.arm({ kind, id } as Subject, { trigger, hints: [], full: true }, { installationId });
    runner.wake();
  };
  const hasMirror = (id: number) => ownership(layout.mirror(id), id) === "ours";
  const announcer = createAnnouncer({
    ...{ ...config, store, facts, runProgram, log, mirrorOf: layout.mirror, now: Date.now },
  });
  const { outbox } = announcer;
  const checkouts = composeCheckouts({
    ...{ config, log, store, git, layout, runProgram, disk, registry, hasMirror, tip: mirrors.tip },
    ...{
      gateway,
      installations,
      published: outbox.published,
      fits: mirrors.hasWantedExtent,
      distrust: mirrors.distrust,
    },
    ...{ onProgress: progressLog(log, "fetching contents"), onFetched: metrics.fetched },
    request: (id, installationId) => request("repository", id, installationId, "backstop"),
  });
  const links = createLinks({
    ...{ layout, registry, hasMirror, log },
    request: ({ id, installationId }) => request("repository", id, installationId, "backstop"),
  });
  const named = {
    link(id: number, name: RepositoryName) {
      links.link(id, name);
      if (links.isOwner(id, name)) checkouts.named({ id, ...name });
    },
    unlink: links.unlink,
  };
  const removal = createRemoval({
    ...{ registry, installations, log, ...named, now: Date.now, retireAfterMs: config.retireAfterMs },
    transaction: store.transaction,
    withdraw: checkouts.withdraw,
    discard(id) {
      // Not waited for: what it writes until it has ended goes to the trash with the rest.
      void maintenance.standAside(id, { all: true });
      mirrors.distrust(id);
      const discarded = discard(layout, id);
      if (discarded) checkouts.forget(id);
      return discarded;
    },
  });
  const late = { recovery: (): RecoveryState => ({ readAt: null, upTo: null, error: null, reading: null }) };
  const watch = createWatch({
    ...{ installations, facts, disk, log, intervalMs: config.intervalMs, now: Date.now },
    recovery: () => late.recovery(),
    consumers: announcer.delays,
    ...hearing(config, deliveries),
  });
  const lifecycle = createLifecycle({
    ...{ github, registry, installations, removal, store, log, ...named },
    retireAfterMs: config.retireAfterMs,
    isWanted: config.repositories,
    fullFetchIntervalMs: config.fullFetchIntervalMs,
    hasMirror,
    request: (...who) => request("repository", ...who),
    requestInstallation: (id) => request("installation", id, id, "backstop"),
    now: Date.now,
  });
  const holds = createHolds(store);
  const guard = createGuard({ ...config, holds, scopeOf, log, now: Date.now });
  const maintenance: Maintenance = createMaintenance({
    ...{ mirrors, log, now: Date.now },
    records: createMaintenanceLog(store),
    upkeep: createUpkeep({ git, layout, timeoutMs: MAINTENANCE_TIMEOUT_MS }),
    repositories: registry.all,
    repository: registry.get,
    isIdle: (id) => !runner.busy({ kind: "repository", id }) && !queue.has({ kind: "repository", id }),
    request: ({ id, installationId }) => request("repository", id, installationId, "backstop"),
  });
  const syncer = createSyncer({
    ...{ registry, mirrors, gateway, guard, outbox, ...named, transaction: store.transaction },
    bring: createBringer({
      ...{ ...config, mirrors, registry, guard, outbox, scopeOf, now: Date.now },
      dropped: maintenance.changed,
    }),
    reconcile: lifecycle.reconcileRepository,
    isHeld: installations.isHeld,
    requireSpace: disk.requireSpace,
    hasSpace: () => !disk.state().low,
    // A name that has passed to another repository is not published under for this one any more.
    publish: async (repository, ...how) =>
      links.isOwner(repository.id, repository) ? checkouts.publish(repository, ...how) : null,
    announce: announcer.announce,
    upkeep: maintenance,
    moved(id, changes) {
      maintenance.changed(id, changes);
      worker.events.emit("moved", { key: keyOf({ kind: "repository", id }) });
    },
    now: Date.now,
    onProgress: progressLog(log, "cloning"),
    onFetched: metrics.fetched,
  });
  const worker = createWorker({
    ...{ store, queue, registry, deliveries, refreshes: createRefreshLog(store), syncer, lifecycle, log },
    onUntold: watch.untold,
    onRefreshed: metrics.refreshed,
    onPass(error) {
      watch.passed(error);
      watch.check();
    },
  });
  const runner = createRunner(queue, config.concurrency, worker);
  const reach = createReach({ git, layout, scopeOf });
  const kept = { registry, installations, facts, deliveries, queue, holds, announcer, reach };
  /** A request for every installation, which in turn asks for what needs it. */
  const lookAtEverything = (trigger: "onboard" | "backstop") => request("app", 0, 0, trigger);
  const parts = { scopeOf, links, layout, checkouts, disk, removal, hasMirror, mirrors };
  const running = { worker, runner, watch, late, maintenance };
  return { ...kept, ...parts, ...running, lookAtEverything };
}
