import { join } from "node:path";
import { createAcceptance } from "./acceptance.js";
import { createAnnouncer } from "./announce.js";
import { createBringer } from "./bring.js";
import { composeCheckouts } from "./checkouts/setup.js";
import type { Config } from "./config.js";
import { createDeliveryLog } from "./delivery-log.js";
import { createDisk } from "./disk.js";
import { createPrograms, type RunProgram } from "./exec-hook.js";
import { createFacts } from "./facts.js";
import { createGit, type RunGit } from "./git/exec.js";
import { createGateway } from "./git/gateway.js";
import { createLayout, discard, emptyTrash, link, ownership, unlink } from "./git/layout.js";
import { createMirrors } from "./git/mirror.js";
import { createProcesses } from "./git/processes.js";
import { createReach } from "./git/reach.js";
import { createUpkeep } from "./git/upkeep.js";
import { createGitHub, type GitHub } from "./github/github.js";
import { createGuard } from "./history.js";
import { createHistoryViews } from "./history-views.js";
import { createHolds } from "./holds.js";
import { createApi } from "./http/api.js";
import { createHealth } from "./http/health.js";
import { createMetricsRoute } from "./http/metrics.js";
import type { Handler } from "./http/mount.js";
import { createInstallations } from "./installations.js";
import { createLifecycle } from "./lifecycle.js";
import { createMaintenance, type Maintenance } from "./maintenance.js";
import { createMaintenanceLog } from "./maintenance-log.js";
import { createMetrics, type Metrics } from "./metrics.js";
import type { Trigger } from "./model.js";
import { announceUrl, missedCall, progressLog, requireGit, requireSameApp, takeNote } from "./preflight.js";
import { createEmbeddedQueue } from "./queue/embedded.js";
import type { RefreshQueue } from "./queue/queue.js";
import { createRunner, type Runner } from "./queue/runner.js";
import { createReceiver } from "./receiver.js";
import { createRecovery, type RecoveryState } from "./recovery.js";
import { createRefreshLog } from "./refresh-log.js";
import { createRegistry } from "./registry.js";
import { createRemoval } from "./removal.js";
import { startBackstop } from "./schedule.js";
import { openStore, type Store } from "./store.js";
import { createSyncer } from "./syncer.js";
import { TABLES } from "./tables.js";
import { createViews } from "./views.js";
import { createWatch } from "./watch.js";
import { createWorker, type Log } from "./worker.js";

export interface Lockstep {
  /** In the order in which they are asked. */
  handlers: Handler[];
  /** Starts the work: what is queued, a first look at every installation, the backstop. */
  start(): void;
  /** One pass of the backstop, as INTERVAL would start it. */
  sweep(): void;
  /** Stops receiving, ends or cancels what runs within SHUTDOWN_TIMEOUT, closes the store. */
  close(): Promise<void>;
}

/** A repository of some gigabytes is repacked within it, on one processor. */
const MAINTENANCE_TIMEOUT_MS = 2 * 3_600_000;
/** GitHub keeps an App's deliveries for 3 days, GHES for 7. */
const WINDOW_MS = { github: 3 * 86_400_000, enterprise: 7 * 86_400_000 };
/** The only place that constructs adapters. @throws Error with what to do, when it cannot start */
export async function compose(config: Config, log: Log): Promise<Lockstep> {
  const store = openStore(config.dataDir, TABLES);
  requireSameApp(config, store);
  const processes = createProcesses(join(config.dataDir, "run"));
  const ended = await processes.endSurvivors();
  if (ended > 0) log.warn({ ended }, "ended git processes that an earlier Lockstep had left");
  const git = createGit({ binary: config.gitBinary, path: config.searchPath, processes });
  await requireGit(git);
  const metrics = createMetrics();
  const github = createGitHub({
    ...config,
    onToken: metrics.tokenMinted,
    log: { debug: (m) => log.debug({}, m), warn: (m) => log.warn({}, m) },
  });
  const gateway = await createGateway(config.gitUrl, github.token);
  const runProgram = createPrograms(processes);
  const state = { stopping: false };
  const stopping = () => state.stopping;

  const core = {
    store,
    ...work(config, log, { store, git, github, gateway, metrics, runProgram }),
  };
  const { queue, runner, registry, deliveries, watch, maintenance } = core;
  const acceptance = createAcceptance({
    ...{ store, queue, deliveries, registry, gateway, runner, stopping },
    told: watch.told,
  });
  const recovery = createRecovery({
    ...{ github, store, deliveries, log, mode: config.deliveries, now: Date.now },
    repositories: config.repositories,
    refs: config.refs,
    facts: core.facts,
    persist: acceptance.persist,
    wake: () => runner.wake(),
    missedBeyondRecall() {
      registry.recheckAll();
      lookAtEverything(queue, runner, "backstop");
    },
    onMissed: missedCall(watch, registry),
    windowMs: config.gitUrl === "https://github.com" ? WINDOW_MS.github : WINDOW_MS.enterprise,
  });
  core.late.recovery = recovery.state;
  const history = createHistoryViews({ ...config, ...core, log, now: Date.now });
  const views = createViews({
    ...{ ...config, ...core, github, recovery, history, stopping, mode: config.deliveries, now: Date.now },
  });
  takeNote(config, core.facts, registry);
  metrics.readFrom({
    queue: () => ({ depth: queue.depth(), oldestMs: queue.oldestMs() }),
    repositories: registry.states,
    oldestUnprovenMs: () => views.health.fresh().oldestMs,
    problems: watch.problems,
    github: github.usage,
    disk: core.disk.state,
  });
  const sweep = () => {
    deliveries.prune();
    core.announcer.prune();
    lookAtEverything(queue, runner, "backstop");
    maintenance.pass();
    core.checkouts.look();
    void recovery.run().finally(watch.check);
  };
  const backstop = startBackstop("backstop", config.intervalMs, sweep);
  const pull = startBackstop(
    "pull",
    config.deliveries === "pull" ? config.pullIntervalMs : null,
    recovery.run,
  );

  return {
    handlers: [
      createReceiver({ config, ports: acceptance, log, onOutcome: metrics.delivery }),
      createMetricsRoute({ apiToken: config.apiToken, scrape: metrics.scrape }),
      createHealth({ apiToken: config.apiToken, ports: views.health }),
      createApi({ apiToken: config.apiToken, ports: views.api, log }),
    ],
    start() {
      deliveries.prune();
      core.announcer.start();
      lookAtEverything(queue, runner, "onboard");
      core.checkouts.start();
      if (config.intervalMs !== null || config.deliveries === "pull") void recovery.run();
      if (config.publicUrl) void announceUrl(config.publicUrl + config.webhookPaths[0], github, log);
    },
    sweep,
    async close() {
      state.stopping = true;
      const read = recovery.stop();
      await Promise.all([backstop.stop(), pull.stop()]);
      await maintenance.stop();
      await Promise.all([runner, core.announcer].map(({ stop }) => stop(config.shutdownTimeoutMs)));
      await core.checkouts.stop();
      await gateway.close();
      await github.close();
      await read;
      store.close();
    },
  };
}

interface Adapters {
  metrics: Metrics;
  store: Store;
  git: RunGit;
  github: GitHub;
  gateway: Awaited<ReturnType<typeof createGateway>>;
  runProgram: RunProgram;
}

/** The core: queue → runner → worker → syncer and lifecycle. */
function work(config: Config, log: Log, adapters: Adapters) {
  const { store, git, github, gateway, metrics, runProgram } = adapters;
  const layout = createLayout(config.dataDir);
  const registry = createRegistry(store);
  const installations = createInstallations(store);
  const facts = createFacts(store);
  const disk = createDisk(config.dataDir, config.minFreeDisk);
  const deliveries = createDeliveryLog(store);
  const queue = createEmbeddedQueue({ store, quietPeriodMs: config.quietPeriodMs });
  const mirrors = createMirrors({ ...config, git, layout });
  const hasMirror = (id: number) => ownership(layout.mirror(id), id) === "ours";
  const checkouts = composeCheckouts({
    ...{ config, log, store, git, layout, runProgram, disk, registry, hasMirror, tip: mirrors.tip },
    request(id, installationId) {
      queue.arm(
        { kind: "repository", id },
        { trigger: "backstop", hints: [], full: true },
        { installationId },
      );
      runner.wake();
    },
  });
  const named = {
    link(id: number, name: { owner: string; name: string }) {
      link(layout, id, name);
      checkouts.named({ id, ...name });
    },
    unlink: (id: number, name: { owner: string; name: string }) => unlink(layout, id, name),
  };
  void emptyTrash(layout);
  const removal = createRemoval({
    ...{ registry, installations, log, ...named, now: Date.now, retireAfterMs: config.retireAfterMs },
    discard(id) {
      // Not waited for: what it writes until it has ended goes to the trash with the rest.
      void maintenance.standAside(id, { all: true });
      mirrors.distrust(id);
      const discarded = discard(layout, id);
      if (discarded) checkouts.forget(id);
      return discarded;
    },
  });
  const announcer = createAnnouncer({
    ...{ ...config, store, facts, runProgram, log, mirrorOf: layout.mirror, now: Date.now },
  });
  const { outbox } = announcer;
  const late = { recovery: (): RecoveryState => ({ readAt: null, error: null, reading: null }) };
  const watch = createWatch({
    ...{ installations, facts, disk, log, intervalMs: config.intervalMs, now: Date.now },
    recovery: () => late.recovery(),
    lastCallAt: deliveries.lastCallAt,
    consumers: announcer.delays,
    expectsCalls: config.webhookSecrets.length > 0 && config.deliveries === "webhook",
  });
  const request = (id: number, installationId: number, trigger: Trigger) => {
    queue.arm({ kind: "repository", id }, { trigger, hints: [], full: true }, { installationId });
    runner.wake();
  };
  const lifecycle = createLifecycle({
    ...{ github, registry, installations, removal, store, log, ...named },
    retireAfterMs: config.retireAfterMs,
    isWanted: config.repositories,
    fullFetchIntervalMs: config.fullFetchIntervalMs,
    hasMirror,
    request,
    requestInstallation(id) {
      queue.arm(
        { kind: "installation", id },
        { trigger: "backstop", hints: [], full: true },
        { installationId: id },
      );
      runner.wake();
    },
    now: Date.now,
  });
  const holds = createHolds(store);
  const guard = createGuard({ ...config, holds, log, now: Date.now });
  const maintenance: Maintenance = createMaintenance({
    ...{ mirrors, log, now: Date.now },
    records: createMaintenanceLog(store),
    upkeep: createUpkeep({ git, layout, timeoutMs: MAINTENANCE_TIMEOUT_MS }),
    repositories: registry.all,
    repository: registry.get,
    isIdle: (id) => !runner.busy({ kind: "repository", id }) && !queue.has({ kind: "repository", id }),
    request: ({ id, installationId }) => request(id, installationId, "backstop"),
  });
  const syncer = createSyncer({
    ...{ registry, mirrors, gateway, guard, outbox, ...named, transaction: store.transaction },
    bring: createBringer({
      ...{ ...config, mirrors, registry, guard, outbox, now: Date.now },
      dropped: maintenance.changed,
    }),
    reconcile: lifecycle.reconcileRepository,
    isHeld: installations.isHeld,
    requireSpace: disk.requireSpace,
    publish: checkouts.publish,
    announce: announcer.announce,
    upkeep: maintenance,
    now: Date.now,
    onProgress: progressLog(log),
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
  const reach = createReach({ ...config, git, layout });
  const kept = { registry, installations, facts, deliveries, queue, holds, announcer, reach };
  return { ...kept, checkouts, disk, removal, hasMirror, mirrors, worker, runner, watch, late, maintenance };
}

/** A request for every installation, which in turn asks for what needs it. */
function lookAtEverything(queue: RefreshQueue, runner: Runner, trigger: "onboard" | "backstop"): void {
  queue.arm({ kind: "app", id: 0 }, { trigger, hints: [], full: true });
  runner.wake();
}
