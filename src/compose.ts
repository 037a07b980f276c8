import { join } from "node:path";
import { createAcceptance } from "./acceptance.js";
import { createBringer } from "./bring.js";
import { CHECKOUT_TABLES } from "./checkouts/ledger.js";
import { composeCheckouts } from "./checkouts/setup.js";
import type { Config } from "./config.js";
import { createDeliveryLog, DELIVERY_TABLES } from "./delivery-log.js";
import { createDisk } from "./disk.js";
import { createFacts, FACT_TABLES } from "./facts.js";
import { createGit, type RunGit } from "./git/exec.js";
import { createGateway } from "./git/gateway.js";
import { createLayout, discard, emptyTrash, link, ownership, unlink } from "./git/layout.js";
import { createMirrors } from "./git/mirror.js";
import { createProcesses, type Processes } from "./git/processes.js";
import { createGitHub, type GitHub, type LoggedDelivery } from "./github/github.js";
import { createGuard } from "./history.js";
import { createHistoryViews } from "./history-views.js";
import { createHolds, HOLD_TABLES } from "./holds.js";
import { createApi } from "./http/api.js";
import { createHealth } from "./http/health.js";
import type { Handler } from "./http/mount.js";
import { createInstallations, INSTALLATION_TABLES } from "./installations.js";
import { createLifecycle } from "./lifecycle.js";
import { createEmbeddedQueue, QUEUE_TABLES } from "./queue/embedded.js";
import type { RefreshQueue } from "./queue/queue.js";
import { createRunner, type Runner } from "./queue/runner.js";
import { createReceiver } from "./receiver.js";
import { createRecovery, type RecoveryState } from "./recovery.js";
import type { ManagedRepository } from "./registry.js";
import { createRegistry, REGISTRY_TABLES, type Registry } from "./registry.js";
import { createRemoval } from "./removal.js";
import { startBackstop } from "./schedule.js";
import { openStore, type Store } from "./store.js";
import { createSyncer } from "./syncer.js";
import { createViews } from "./views.js";
import { createWatch, type Watch } from "./watch.js";
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

/** How often the clone of a large repository says how far it is. */
const PROGRESS_EVERY_MS = 10_000;

/** GitHub keeps an App's deliveries for 3 days, GHES for 7. */
const WINDOW_MS = { github: 3 * 86_400_000, enterprise: 7 * 86_400_000 };
/** Registry before installations: the second's first step reads the first. */
const TABLES = [
  QUEUE_TABLES,
  REGISTRY_TABLES,
  DELIVERY_TABLES,
  FACT_TABLES,
  INSTALLATION_TABLES,
  HOLD_TABLES,
  CHECKOUT_TABLES,
];

/** The only place that constructs adapters. @throws Error with what to do, when it cannot start */
export async function compose(config: Config, log: Log): Promise<Lockstep> {
  const store = openStore(config.dataDir, TABLES);
  const processes = createProcesses(join(config.dataDir, "run"));
  const ended = await processes.endSurvivors();
  if (ended > 0) log.warn({ ended }, "ended git processes that an earlier Lockstep had left");
  const git = createGit({ binary: config.gitBinary, path: config.searchPath, processes });
  await requireGit(git);
  const github = createGitHub({
    ...config,
    log: { debug: (m) => log.debug({}, m), warn: (m) => log.warn({}, m) },
  });
  const gateway = await createGateway(config.gitUrl, github.token);
  const state = { stopping: false };
  const stopping = () => state.stopping;

  const core = { store, ...work(config, log, { store, git, github, gateway, processes }) };
  const { queue, runner, registry, deliveries, watch } = core;
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
  const sweep = () => {
    deliveries.prune();
    lookAtEverything(queue, runner, "backstop");
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
      createReceiver({ config, ports: acceptance, log }),
      createHealth({ apiToken: config.apiToken, ports: views.health }),
      createApi({ apiToken: config.apiToken, ports: views.api, log }),
    ],
    start() {
      deliveries.prune();
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
      await runner.stop(config.shutdownTimeoutMs);
      await core.checkouts.stop();
      await gateway.close();
      await github.close();
      await read;
      store.close();
    },
  };
}

interface Adapters {
  store: Store;
  git: RunGit;
  github: GitHub;
  gateway: Awaited<ReturnType<typeof createGateway>>;
  processes: Processes;
}

/** The core: queue → runner → worker → syncer and lifecycle. */
function work(config: Config, log: Log, { store, git, github, gateway, processes }: Adapters) {
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
    ...{ config, log, store, git, layout, processes, disk, registry, hasMirror, tip: mirrors.tip },
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
      mirrors.distrust(id);
      const discarded = discard(layout, id);
      if (discarded) checkouts.forget(id);
      return discarded;
    },
  });
  const late = { recovery: (): RecoveryState => ({ readAt: null, error: null, reading: null }) };
  const watch = createWatch({
    ...{ installations, facts, disk, log, intervalMs: config.intervalMs, now: Date.now },
    recovery: () => late.recovery(),
    lastCallAt: deliveries.lastCallAt,
    expectsCalls: config.webhookSecrets.length > 0 && config.deliveries === "webhook",
  });
  const lifecycle = createLifecycle({
    ...{ github, registry, installations, removal, store, log, ...named },
    retireAfterMs: config.retireAfterMs,
    isWanted: config.repositories,
    fullFetchIntervalMs: config.fullFetchIntervalMs,
    hasMirror,
    request(id, installationId, trigger) {
      queue.arm({ kind: "repository", id }, { trigger, hints: [], full: true }, { installationId });
      runner.wake();
    },
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
  const syncer = createSyncer({
    ...{ registry, mirrors, gateway, guard, ...named },
    bring: createBringer({ ...config, mirrors, registry, guard, now: Date.now }),
    reconcile: lifecycle.reconcileRepository,
    isHeld: installations.isHeld,
    requireSpace: disk.requireSpace,
    publish: checkouts.publish,
    announce: () => {},
    now: Date.now,
    onProgress: progressLog(log),
  });
  const worker = createWorker({
    ...{ store, queue, registry, deliveries, syncer, lifecycle, log },
    onUntold: watch.untold,
    onPass(error) {
      watch.passed(error);
      watch.check();
    },
  });
  const runner = createRunner(queue, config.concurrency, worker);
  const kept = { registry, installations, facts, deliveries, queue, holds };
  return { ...kept, checkouts, disk, removal, hasMirror, mirrors, worker, runner, watch, late };
}

/** Only what GitHub tried while this process ran says something of the webhook. */
function missedCall(watch: Watch, registry: Registry) {
  const startedAt = Date.now();
  return ({ deliveredAt, repositoryId }: LoggedDelivery) => {
    if (repositoryId === null || deliveredAt < startedAt) return;
    const known = registry.get(repositoryId);
    watch.untold(repositoryId, known ? `${known.owner}/${known.name}` : `repository ${repositoryId}`);
  };
}

/** A request for every installation, which in turn asks for what needs it. */
function lookAtEverything(queue: RefreshQueue, runner: Runner, trigger: "onboard" | "backstop"): void {
  queue.arm({ kind: "app", id: 0 }, { trigger, hints: [], full: true });
  runner.wake();
}

async function requireGit(git: RunGit): Promise<void> {
  const { stdout } = await git({ args: ["--version"], gitDir: null, timeoutMs: 10_000 });
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(stdout) ?? [];
  if (Number(major) * 1000 + Number(minor) < 2038) {
    throw new Error(
      `git 2.38 or newer is needed, this is "${stdout.trim()}". Upgrade git, or name another in GIT_BINARY.`,
    );
  }
}

/** PUBLIC_URL as the App's webhook URL. A failure is told, not fatal: deliveries may come all the same. */
async function announceUrl(url: string, github: GitHub, log: Log): Promise<void> {
  try {
    await github.setWebhookUrl(url);
    log.info({ url }, "the App's webhook URL is set");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ url, reason }, "the App's webhook URL could not be set; set it in the App's settings");
  }
}

function progressLog(log: Log) {
  let toldAt = 0;
  return ({ owner, name }: ManagedRepository, progress: string) => {
    if (Date.now() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = Date.now();
    log.info({ repository: `${owner}/${name}`, progress }, "cloning");
  };
}
