import type { Announcer } from "../announce/announcer.js";
import { monotonicMs, steadyNow } from "../base/clock.js";
import { waitsForPeople } from "../base/error-codes.js";
import { DELIVERIES_LISTED_MS } from "../base/github-facts.js";
import type { Log } from "../base/log.js";
import { subjectOfKey } from "../base/model.js";
import { fullNameOrId } from "../base/names.js";
import type { Config } from "../config/load.js";
import type { DeliveryLog } from "../deliveries/log.js";
import { createRecovery } from "../deliveries/recovery.js";
import type { LoggedDelivery } from "../github/api.js";
import type { Maintenance } from "../maintenance/scheduler.js";
import type { Runner } from "../queue/runner.js";
import { createAcceptance } from "../receiver/acceptance.js";
import { isManaged } from "../registry/repositories.js";
import { createWatch, type Watch } from "../watch/monitor.js";
import type { Worker } from "../worker.js";
import type { ClusterNode } from "./cluster/node.js";
import type { Ground } from "./ground.js";
import type { Housekeeping } from "./housekeeping.js";
import type { Records } from "./records.js";

type Settings = Pick<
  Config,
  "deliveries" | "webhookSecrets" | "repositories" | "refs" | "gitUrl" | "intervalMs" | "keepsWikis"
>;

interface Needs {
  log: Log;
  ground: Ground;
  records: Records;
  announcer: Announcer;
  worker: Worker;
  runner: Runner;
  maintenance: Pick<Maintenance, "backlog">;
  unreadProperties: Housekeeping["unreadProperties"];
  node: Pick<ClusterNode, "wants" | "problems"> | null;
  isStopping(): boolean;
}

/** Builds the two sources of deliveries, webhook and GitHub's log, and the record of what they missed. */
export function createIntake(config: Settings, needs: Needs) {
  const { log, ground, records, worker, runner } = needs;
  const { store, github, gateway, metrics } = ground;
  const { registry, installations, facts, queue, deliveries, requests } = records;
  const now = Date.now;

  const plainAcceptance = createAcceptance({
    store,
    queue,
    deliveries,
    registry,
    gateway,
    gitHost: new URL(config.gitUrl).host,
    runner,
    stopping: needs.isStopping,
  });
  const acceptance = ground.tracing
    ? ground.tracing.receiving(plainAcceptance, deliveries.isKnown)
    : plainAcceptance;
  const recovery = createRecovery({
    github,
    store,
    facts,
    deliveries,
    log,
    now,
    clock: monotonicMs,
    mode: config.deliveries,
    repositories: config.repositories,
    refs: config.refs,
    wikis: config.keepsWikis,
    persist(delivery, decision) {
      const { subject } = decision;
      if (!needs.node || subject.kind !== "repository" || needs.node.wants(subject.id))
        return acceptance.persist(delivery, decision);
      deliveries.ignored(delivery, "another node owns the repository");
      return "elsewhere";
    },
    isCaredFor: (subject) => isCaredFor(records, subject),
    wake: () => runner.wake(),
    reportExpired() {
      registry.recheckAll();
      requests.everything("backstop");
    },
    windowMs:
      config.gitUrl === "https://github.com" ? DELIVERIES_LISTED_MS.github : DELIVERIES_LISTED_MS.enterprise,
  });
  const source = deliverySource(config, deliveries);
  const watch = createWatch({
    installations,
    facts,
    disk: records.disk,
    probeStore: store.probe,
    limits: () => github.usage().limits,
    outages: () => records.queue.outages().map(({ server, since }) => ({ server, ms: steadyNow() - since })),
    log,
    now,
    intervalMs: config.intervalMs,
    recovery: recovery.state,
    consumers: needs.announcer.delays,
    maintenance: needs.maintenance.backlog,
    unreadProperties: needs.unreadProperties,
    deliverySource: source.kind,
    ...(needs.node && { ofCluster: needs.node.problems }),
    lastDeliveryAt: source.lastAt,
  });
  records.queue.onOutage(watch.check);
  acceptance.onDelivery(watch.noteDelivery);
  recovery.onMissed(({ event }) => metrics.delivery("recovered", event));
  recovery.onMissed(reportMissed(config, watch, records));
  worker.onMissedPush(watch.reportMissedPush);
  worker.onRefreshed((_, result) => watch.refreshed(result));
  worker.onPass((error, begunAgoMs) => {
    watch.passed(error, begunAgoMs);
    watch.check();
  });
  return { acceptance, recovery, watch };
}

/** Whether the queue has the subject, or the subject waits for an operator or for the account's owner. */
function isCaredFor({ queue, registry }: Records, key: string): boolean {
  const subject = subjectOfKey(key);
  if (!subject || queue.has(subject)) return true;
  const repository = subject.kind === "repository" ? registry.get(subject.id) : null;
  if (!repository) return false;
  const { state, pausedAt, error } = repository;
  const isFollowed = isManaged(repository) && state !== "suspended" && pausedAt === null;
  return !isFollowed || (error !== null && waitsForPeople(error.code));
}

/** A server that reads GitHub's log may also be called by GitHub. */
function deliverySource(
  { deliveries, webhookSecrets }: Pick<Config, "deliveries" | "webhookSecrets">,
  log: DeliveryLog,
) {
  if (deliveries === "pull") return { kind: deliveries, lastAt: log.lastAt };
  return { kind: webhookSecrets.length > 0 ? deliveries : null, lastAt: log.lastCallAt };
}

/** Only calls that GitHub made while this process served the webhook say something about the webhook. */
function reportMissed(
  { deliveries }: Pick<Config, "deliveries">,
  watch: Pick<Watch, "reportMissedPush">,
  { registry }: Pick<Records, "registry">,
) {
  const startedAt = Date.now();
  return ({ deliveredAt, repositoryId }: LoggedDelivery) => {
    if (deliveries === "pull" || repositoryId === null || deliveredAt < startedAt) return;
    watch.reportMissedPush(repositoryId, fullNameOrId(registry.get(repositoryId), repositoryId));
  };
}
