import { setTimeout } from "node:timers/promises";
import type { Announcer } from "../announce/announcer.js";
import { monotonicMs } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { fullNameOrId } from "../base/names.js";
import type { Releasers } from "../base/releasers.js";
import { createSignal } from "../base/signal.js";
import type { Checkouts } from "../checkouts/published-trees.js";
import type { Config } from "../config/load.js";
import { linkTarget } from "../git/disk/layout.js";
import type { Mirrors } from "../git/mirror/mirrors.js";
import type { Writers } from "../git/mirror/writers.js";
import { createGathering } from "../lifecycle/gathering.js";
import { createPublisher } from "../publisher.js";
import { slotsOf } from "../queue/classes.js";
import { createRunner } from "../queue/runner.js";
import { countRuns } from "../queue/slots.js";
import { createStandBy } from "../queue/stand-by.js";
import { createBringer } from "../refresh/bring.js";
import { createGuard } from "../refresh/guard.js";
import { createRefreshLog, type RefreshLog } from "../refresh/log.js";
import { createRefusedRefs } from "../refresh/refused-refs.js";
import { createTakeOver, type FormerOwners } from "../refresh/take-over.js";
import { createSyncer } from "../syncer.js";
import type { Tracing } from "../telemetry/tracing.js";
import { createWorker } from "../worker.js";
import type { Ground } from "./ground.js";
import type { Housekeeping } from "./housekeeping.js";
import { logProgress } from "./progress.js";
import type { Records } from "./records.js";

type Settings = Pick<
  Config,
  "history" | "keepHistoryMs" | "maxKeptTips" | "concurrency" | "shutdownTimeoutMs" | "gitUrl"
>;

interface Needs {
  log: Log;
  ground: Ground;
  records: Records;
  mirrors: Mirrors;
  writers: Writers;
  announcer: Announcer;
  checkouts: Checkouts;
  housekeeping: Housekeeping;
  /** The nodes that had repositories before this one; null: this Lockstep is alone. */
  formerOwners: FormerOwners | null;
  releasers: Releasers;
}

/** Builds the chain queue → runner → worker → syncer. */
export function createRefreshing(config: Settings, needs: Needs) {
  const { log, ground, records, mirrors, announcer, checkouts, releasers } = needs;
  const { store, gateway, metrics, tracing } = ground;
  const { registry, installations, queue, scopeOf, disk, runs } = records;
  const { links, names, maintenance, lifecycle } = needs.housekeeping;
  const { outbox } = announcer;
  const { write, visit, lend } = needs.writers;
  const now = Date.now;
  const cloning = createSignal<[id: number]>();
  const gitHost = new URL(config.gitUrl).host;
  const guard = createGuard({
    history: config.history,
    holds: records.holds,
    scopeOf,
    log,
    now: ground.github.latestNow,
  });
  const bring = createBringer({
    mirrors,
    registry,
    guard,
    holds: records.holds,
    outbox,
    scopeOf,
    now,
    earliestNow: ground.github.earliestNow,
    pause: (ms, signal) => setTimeout(ms, undefined, { signal }),
    keepHistoryMs: config.keepHistoryMs,
    maxKeptTips: config.maxKeptTips,
    log,
    dropped: maintenance.changed,
  });
  const cloningMirrors: Mirrors = {
    ...mirrors,
    async clone(id, lease, defaultBranch, run, judge) {
      cloning.emit(id);
      // While every long slot is taken, the run was put back.
      run.signal.throwIfAborted();
      return mirrors.clone(id, lease, defaultBranch, run, judge);
    },
  };
  const takeOver =
    needs.formerOwners &&
    createTakeOver({
      mirrors: cloningMirrors,
      registry,
      holds: records.holds,
      outbox,
      scopeOf,
      formerOwners: needs.formerOwners,
      transaction: store.transaction,
      log,
    });
  const standBy = createStandBy(runs);
  const confirmations = createGathering({
    ask: lifecycle.reconcileCloned,
    isMoreExpected: () => countRuns(runs.values(), "long") > 0,
    clock: monotonicMs,
  });
  const syncer = createSyncer({
    registry,
    mirrors: cloningMirrors,
    takeOver,
    gateway,
    bring,
    guard,
    refusedRefs: createRefusedRefs(store),
    outbox,
    now,
    transaction: store.transaction,
    unsynced: store.unsynced,
    reconcile: lifecycle.reconcileRepository,
    reconcileCloned: (id, signal) =>
      standBy.standBy({ kind: "repository", id }, () => confirmations.ask(id, signal)),
    renewName: lifecycle.renewName,
    isHeld: installations.isHeld,
    requireSpace: disk.requireSpace,
    hasSpace: () => !disk.state().low,
    link: names.link,
    write,
    lend,
    announce: (repository, trigger) =>
      announcer.announce(repository, trigger, checkouts.refs(registry.get(repository.id) ?? repository)),
    requestPublish({ id, installationId }, trigger) {
      const repository = registry.get(id);
      if (!repository || !checkouts.has(repository)) return;
      tracing?.publishRequested(id);
      records.requests.publish(id, installationId, trigger);
    },
    upkeep: maintenance,
    onProgress: logProgress(log, "cloning"),
    onFetched(stats) {
      metrics.fetched(stats);
      if (stats.bytes > 0) queue.reached({ kind: "git", host: gitHost });
    },
  });
  syncer.onMoved(maintenance.changed);
  const publisher = createPublisher({
    registry,
    mirrors,
    write,
    visit,
    checkouts,
    upkeep: maintenance,
    isOwner: (repository) => links.isOwner(repository.id, repository),
    directoryOf: (id) => linkTarget(records.layout.mirror(id)),
    announce: announcer.announceTrees,
    requestRefresh: ({ id, installationId }) => records.requests.repository(id, installationId),
  });

  const refreshes = createRefreshLog(store);
  const worker = createWorker({
    store,
    queue,
    registry,
    deliveries: records.deliveries,
    refreshes: tracing ? reportingTo(tracing, refreshes) : refreshes,
    syncer,
    lifecycle,
    log,
    publish: publisher.publish,
    requireRoom: disk.requireRoom,
  });
  worker.onRefreshed(metrics.refreshed);

  const nameOf = (id: number) => fullNameOrId(registry.get(id), id);
  const traced = tracing ? tracing.running(worker, nameOf) : worker;
  const runner = createRunner(queue, slotsOf(config.concurrency), traced, runs);
  records.requests.onWake(runner.wake);
  queue.onOutage((server, state) => {
    if (state === "out") log.warn({ event: "outage_began", server }, "a server of GitHub's answers nobody");
    else log.info({ event: "outage_ended", server }, "the server answers again");
    // What waits for the server may start.
    runner.wake();
  });
  cloning.on((id) => runner.becameLong({ kind: "repository", id }));
  standBy.onFreed(runner.slotFreed);
  worker.onSettled(confirmations.recheck);
  // SHUTDOWN_TIMEOUT applies to both at the same time, not to one after the other.
  const timeoutMs = config.shutdownTimeoutMs;
  const stopBoth = () => Promise.all([runner.stop(timeoutMs), announcer.stop(timeoutMs)]);
  releasers.add("refreshes and announcements", stopBoth);
  // Git processes serve the runner and end before it does; neither starts work on its own.
  releasers.add("maintenance", maintenance.stop);
  return { syncer, takeOver, publisher, worker, runner };
}

const reportingTo = (tracing: Pick<Tracing, "refreshEnded">, log: RefreshLog): RefreshLog => ({
  ...log,
  add(id, refresh) {
    log.add(id, refresh);
    tracing.refreshEnded(id, refresh);
  },
});
