import { join } from "node:path";
import { DELIVERIES_LISTED_MS } from "../base/github-facts.js";
import type { Log } from "../base/log.js";
import type { Config } from "../config/load.js";
import { createRecovery } from "../deliveries/recovery.js";
import { createGit } from "../git/run/exec.js";
import { createGateway } from "../git/transport/gateway.js";
import { createGitHub } from "../github/api.js";
import { createApi } from "../http/api.js";
import { createBearers } from "../http/bearer.js";
import { createHealth } from "../http/health.js";
import { createMetricsRoute } from "../http/metrics.js";
import type { Handler } from "../http/mount.js";
import { createPage } from "../http/page/routes.js";
import { createProcesses } from "../machine/processes.js";
import { createPrograms } from "../machine/programs.js";
import { createAcceptance } from "../receiver/acceptance.js";
import { createReceiver } from "../receiver/webhook.js";
import { startBackstop } from "../schedule.js";
import { openStore } from "../store/database.js";
import { createTally } from "../store/tally.js";
import { createHistoryViews } from "../views/history.js";
import { createViews } from "../views/operator.js";
import { createMetrics } from "../watch/metrics.js";
import { createCore } from "./core.js";
import { createOnce, type Once } from "./once.js";
import {
  announceUrl,
  missedCall,
  requireGit,
  requireSameApp,
  requireSameTime,
  takeNote,
} from "./preflight.js";
import { TABLES } from "./tables.js";

export interface Lockstep {
  /** In the order in which they are asked. */
  handlers: Handler[];
  /** Starts the work: what is queued, a first look at every installation, the backstop. */
  start(): void;
  /** Instead of `start`: one pass over everything. */
  once: Once;
  /** One pass of the backstop, as INTERVAL would start it. */
  sweep(): void;
  /** Stops receiving, ends or cancels what runs within SHUTDOWN_TIMEOUT, closes the store. */
  close(): Promise<void>;
}

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
    ...createCore(config, log, { store, git, github, gateway, metrics, runProgram }),
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
      core.lookAtEverything("backstop");
    },
    onMissed: missedCall(config, watch, registry, metrics),
    windowMs:
      config.gitUrl === "https://github.com" ? DELIVERIES_LISTED_MS.github : DELIVERIES_LISTED_MS.enterprise,
  });
  core.late.recovery = recovery.state;
  const history = createHistoryViews({ ...config, ...core, log, now: Date.now });
  const views = createViews({
    ...{ ...config, ...core, github, recovery, history, stopping, mode: config.deliveries, now: Date.now },
  });
  takeNote(config, core.facts, registry);
  const tally = createTally(core.layout.tally, core.facts, log);
  requireSameTime(tally, registry, log);
  core.worker.events.on("moved", tally.changed);
  metrics.readFrom({
    queue: () => ({ depth: queue.depth(), oldestMs: queue.oldestMs() }),
    repositories: registry.states,
    oldestUnprovenMs: () => views.health.fresh().oldestMs,
    problems: watch.problems,
    github: github.usage,
    disk: core.disk.state,
    bounds: config,
  });
  const sweep = () => {
    deliveries.prune();
    core.announcer.prune();
    core.lookAtEverything("backstop");
    maintenance.pass();
    core.checkouts.look();
    core.links.sweep();
    tally.next();
    void recovery.run().finally(watch.check);
  };
  const backstop = startBackstop("backstop", config.intervalMs, sweep);
  const pull = startBackstop(
    "pull",
    config.deliveries === "pull" ? config.pullIntervalMs : null,
    recovery.run,
  );

  const bearers = createBearers(config);

  return {
    handlers: [
      createReceiver({ config, ports: acceptance, log, onOutcome: metrics.delivery }),
      createMetricsRoute({ bearers, scrape: metrics.scrape }),
      createHealth({ bearers, ports: views.health }),
      createApi({ bearers, ports: views.api, log }),
      createPage({ ...config, ports: views.api, log }),
    ],
    start() {
      deliveries.prune();
      core.announcer.start();
      core.lookAtEverything("onboard");
      core.checkouts.start();
      core.links.sweep();
      if (config.intervalMs !== null || config.deliveries === "pull") void recovery.run();
      if (config.publicUrl) void announceUrl(config.publicUrl + config.webhookPaths[0], github, log);
    },
    once: createOnce({ ...config, ...core, status: views.api.status }),
    sweep,
    async close() {
      state.stopping = true;
      const read = recovery.stop();
      await Promise.all([backstop.stop(), pull.stop()]);
      await maintenance.stop();
      await Promise.all([runner, core.announcer].map(({ stop }) => stop(config.shutdownTimeoutMs)));
      await core.checkouts.stop();
      await core.links.stop();
      await gateway.close();
      await github.close();
      await read;
      tally.close();
      store.close();
    },
  };
}
