import type { Log } from "../base/log.js";
import type { Releasers } from "../base/releasers.js";
import type { Gathering } from "../cluster/gather/gathered.js";
import type { Config } from "../config/load.js";
import { type ClusterPorts, createApi } from "../http/api.js";
import { createBearers } from "../http/bearer.js";
import type { Handler } from "../http/handler.js";
import { createHealth } from "../http/health.js";
import { createMetricsRoute } from "../http/metrics.js";
import { createPage } from "../http/page/routes.js";
import type { SharedSessions } from "../http/page/session.js";
import { createRefusedCalls } from "../receiver/refused.js";
import { createReceiver, type ReceiverPorts } from "../receiver/webhook.js";
import type { ReadTable } from "../serve/seen/table.js";
import type { Domain } from "./domain.js";
import type { Ground } from "./ground.js";
import { createOperatorViews } from "./operator.js";

interface Needs {
  log: Log;
  ground: Ground;
  domain: Domain;
  reads: ReadTable;
  releasers: Releasers;
  /** What a node of a cluster does with a delivery; null: this Lockstep is alone. */
  accept: ReceiverPorts["accept"] | null;
  /** The other nodes of a cluster; null: this Lockstep is alone. */
  nodes: ClusterPorts | null;
  /** Makes what this node says that of the whole cluster; null: this Lockstep is alone. */
  gather: Gathering["gather"] | null;
  /** What sessions of the page have in common with other nodes'; null: this Lockstep is alone. */
  sessions: SharedSessions | null;
  /** Begins a pass of the backstop. @returns false: a pass goes on, and another one follows it */
  beginPass(): boolean;
  isStopping(): boolean;
}

/**
 * Builds what the outside can reach: receiver, metrics, health, API and page, in the order in which they are
 * asked.
 */
export function createSurfaces(config: Config, needs: Needs) {
  const { log, ground, domain, accept, nodes, gather, sessions } = needs;
  const { metrics, github } = ground;
  const { queue, registry, disk, accessTokens } = domain.records;
  const { acceptance, watch } = domain.intake;
  const { apiToken, publicUrl, trustedProxies, staleAfterMs, minFreeDisk } = config;
  const { webhookRate, webhookBurst } = config;
  if (apiToken === null)
    log.info(
      { event: "api_not_served" },
      "API_TOKEN is not set, so page, API and metrics are not served: openssl rand -hex 32",
    );
  const refusedCalls = createRefusedCalls();
  const views = createOperatorViews(config, { ...needs, refusedCalls });

  const api = gather ? gather(views.api) : views.api;

  metrics.readFrom({
    queue: () => ({
      depth: queue.depth(),
      oldestMs: queue.oldestMs(),
      held: queue.held().length,
      outages: queue.outages(),
    }),
    repositories: registry.states,
    mirrors: registry.mirrors,
    oldestUnprovenMs: () => views.health.fresh().oldestMs,
    problems: watch.problems,
    github: github.usage,
    disk: disk.state,
    cluster: nodes?.figures ?? null,
    lfs: domain.lfs?.missing ?? null,
    bounds: { staleAfterMs, minFreeDisk },
  });

  const receiver = createReceiver({
    config: {
      webhookSecrets: config.webhookSecrets,
      webhookPaths: config.webhookPaths,
      webhookRate,
      webhookBurst,
      repositories: config.repositories,
      refs: config.refs,
      keepsWikis: config.keepsWikis,
      trustedProxies,
    },
    ports: accept ? { ...acceptance, accept } : acceptance,
    log,
    onOutcome: metrics.delivery,
    onRefused: refusedCalls.note,
  });
  const bearers = createBearers({ apiToken, trustedProxies, findToken: accessTokens.find });
  const handlers: Handler[] = [
    receiver,
    createMetricsRoute({ bearers, scrape: metrics.scrape }),
    createHealth({ bearers, ports: views.health, limits: { trustedProxies, webhookRate, webhookBurst } }),
    createApi({ bearers, ports: api, nodes, log }),
    createPage({
      apiToken,
      publicUrl,
      trustedProxies,
      ports: api,
      nodes,
      sessions,
      log,
      webhookPath: config.webhookPaths[0]!,
      findInstallUrl: github.installUrl,
    }),
  ];
  return { handlers, status: views.status };
}
