import { isIP } from "node:net";
import type { Log } from "../base/log.js";
import type { Releasers } from "../base/releasers.js";
import type { Config } from "../config/load.js";
import { createReach } from "../git/mirror/reach.js";
import { createSubjects } from "../git/mirror/subjects.js";
import type { RefusedCalls } from "../receiver/refused.js";
import { createRefreshLog } from "../refresh/log.js";
import { createTroubled } from "../registry/troubled.js";
import type { ReadTable } from "../serve/seen/table.js";
import { listAttention } from "../views/attention.js";
import { createAuditViews } from "../views/audit.js";
import { createChangeViews } from "../views/changes.js";
import { createLogViews } from "../views/deliveries.js";
import { createFreshness } from "../views/freshness.js";
import { createHistoryViews } from "../views/history.js";
import { createViews } from "../views/operator.js";
import { createOverview } from "../views/overview.js";
import { createReaderViews } from "../views/readers.js";
import { createTokenViews } from "../views/tokens.js";
import { createTrendViews } from "../views/trends.js";
import { createContains } from "../views/wait-for-commit.js";
import { readWaits } from "../views/waits.js";
import type { Domain } from "./domain.js";
import type { Ground } from "./ground.js";
import { openTrends } from "./trends.js";

type Settings = Pick<
  Config,
  | "staleAfterMs"
  | "intervalMs"
  | "minFreeDisk"
  | "customRefs"
  | "deliveries"
  | "retireAfterMs"
  | "keepHistoryMs"
  | "gitUrl"
  | "serve"
  | "readers"
>;

interface Needs {
  log: Log;
  ground: Ground;
  domain: Domain;
  reads: Pick<ReadTable, "rows">;
  releasers: Releasers;
  refusedCalls: Pick<RefusedCalls, "list">;
  /** Begins a pass of the backstop. @returns false: a pass goes on, and another one follows it */
  beginPass(): boolean;
  isStopping(): boolean;
}

function servingOf({ serve, readers }: Pick<Settings, "serve" | "readers">) {
  if (serve === null) return null;
  const host = isIP(serve.host) === 6 ? `[${serve.host}]` : serve.host;
  return { url: `${serve.scheme}://${host}:${serve.port}`, readers: [...readers.ways] };
}

/** Builds what an operator sees through API, page, health and metrics. */
export function createOperatorViews(config: Settings, needs: Needs) {
  const { log, ground, domain, reads, releasers, isStopping } = needs;
  const { store, git, github } = ground;
  const { records, mirrors, announcer } = domain;
  const { registry, installations, queue, requests, holds, layout, scopeOf, hasMirror } = records;
  const { checkouts } = domain.publishing;
  const { removal, maintenance } = domain.housekeeping;
  const { syncer, publisher, worker, runner } = domain.refreshing;
  const { recovery, watch } = domain.intake;
  const { customRefs, retireAfterMs, keepHistoryMs, gitUrl } = config;
  const { outbox, newEvents } = announcer;
  const now = Date.now;
  const troubled = createTroubled(store);

  const { fresh, status } = createFreshness({
    store,
    registry,
    installations,
    queue,
    runner,
    waits: () => readWaits({ queue, registry, installations }),
    attention: (whole) => listAttention({ troubled, holds, registry }, whole),
    watch,
    recovery,
    announcer,
    github,
    customRefs,
    now,
    deliveries: records.deliveries,
    disk: records.disk,
    staleAfterMs: config.staleAfterMs,
    intervalMs: config.intervalMs,
    minFreeDisk: config.minFreeDisk,
    mode: config.deliveries,
    serving: servingOf(config),
  });
  /** How things stand, without what only a reader of the status wants to know. */
  const gauges = () => {
    const shares = github.usage().limits.map(({ remaining, limit }) => remaining / Math.max(1, limit));
    return {
      backlog: queue.depth(),
      proofMs: fresh().oldestMs,
      budget: shares.length === 0 ? null : Math.min(...shares),
      freeBytes: records.disk.state().freeBytes,
    };
  };
  const trends = openTrends({ log, store, worker, gauges, releasers });
  const contains = createContains({
    hasMirror,
    reach: createReach({ git, layout, scopeOf }),
    published: (id) => (checkouts.of(id) ?? []).flatMap(({ commit }) => commit ?? []),
    refresh: (id) => requests.byHand({ kind: "repository", id }, registry.get(id)?.installationId ?? 0),
    isRunning: (id) => runner.busy({ kind: "repository", id }),
    isPublishing: (id) => runner.busy({ kind: "publish", id }),
    onPublished: publisher.onPublished,
    onMoved: syncer.onMoved,
    onSettled: worker.onSettled,
    stopping: isStopping,
  });
  const views = createViews({
    store,
    registry,
    installations,
    queue,
    runner,
    requests,
    removal,
    disk: records.disk,
    mirrors,
    hasMirror,
    holds,
    maintenance,
    checkouts,
    lfsState: domain.lfs?.state ?? null,
    scopeOf,
    customRefs,
    retireAfterMs,
    fresh,
    status,
    now,
    onSettled: worker.onSettled,
    contains: contains.wait,
    events: { after: outbox.after, bounds: outbox.bounds, newEvents, stopping: isStopping },
    changes: createChangeViews(outbox),
    history: createHistoryViews({
      registry,
      mirrors,
      keptTips: records.keptTips,
      hasMirror,
      holds,
      scopeOf,
      layout,
      keepHistoryMs,
      gitUrl,
      log,
      now,
    }),
    readers: createReaderViews({ registry, rows: reads.rows, isServing: config.serve !== null }),
    audit: createAuditViews(records.audit, log),
    tokens: createTokenViews({ tokens: records.accessTokens, latestNow: github.latestNow }),
    trends: createTrendViews(trends),
    overview: createOverview({
      outbox,
      refreshes: createRefreshLog(store),
      refusedCalls: needs.refusedCalls,
      layout,
      gitUrl,
      servedUrl: servingOf(config)?.url ?? null,
      subjectOf: createSubjects({ git, layout, hasMirror }),
    }),
    logs: createLogViews({ store, registry, installations, queue, runner }),
    beginPass: needs.beginPass,
    stopping: isStopping,
  });
  return { ...views, status };
}
