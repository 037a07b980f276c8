import { Hono } from "hono";
import { z } from "zod";
import { asRefreshError } from "../base/errors.js";
import type { AuditPorts } from "./audit.js";
import { addAuditRoute } from "./audit-list.js";
import type { Bearers } from "./bearer.js";
import { setCaller } from "./caller.js";
import { addClusterSettings, type SettingsPorts } from "./cluster-settings.js";
import { addContainsRoute, type ContainsPorts } from "./contains.js";
import { answerElsewhere, findForwarded, type OtherNodes } from "./elsewhere.js";
import { addEventRoute, type EventPorts } from "./events.js";
import type { EventsOfNodes } from "./gathered-events.js";
import type { Handler } from "./handler.js";
import { addHistoryRoutes, type HistoryPorts } from "./history.js";
import { addListRoutes, type ListPorts } from "./lists.js";
import { addLogRoutes, type LogPorts } from "./logs.js";
import { notFound } from "./lookup.js";
import { addNodeRoutes, type NodePorts } from "./nodes.js";
import { addOperatorRoutes, type OperatePorts } from "./operate.js";
import type { OverviewPorts } from "./overview.js";
import { isOfMachine, problem, unreadable } from "./problem.js";
import type { ReaderPorts } from "./readers.js";
import { addRefreshRoute, type RefreshPorts } from "./refresh.js";
import { addRepositoryRoute, type RepositoryPorts } from "./repository.js";
import { addRepositoryLists, type RepositoryListPorts } from "./repository-lists.js";
import { createRoutes, type Route } from "./routes.js";
import { serve } from "./serve.js";
import { addSeveralRoutes, type PassPorts, type SeveralPorts } from "./several.js";
import { addTokenRoutes, type TokenPorts } from "./tokens.js";
import { addTrendRoute, type TrendPorts } from "./trends.js";

export interface ApiPorts
  extends RepositoryPorts,
    RepositoryListPorts,
    RefreshPorts,
    OperatePorts,
    SeveralPorts,
    HistoryPorts,
    ContainsPorts,
    EventPorts,
    ListPorts,
    LogPorts,
    ReaderPorts,
    TrendPorts,
    OverviewPorts {
  tokens: TokenPorts;
  audit: AuditPorts;
}

/** What a node of a cluster does with the others. */
export type ClusterPorts = OtherNodes &
  NodePorts &
  PassPorts & { events: EventsOfNodes; settings: SettingsPorts };

export interface ApiOptions {
  /** The API is served only when a token is configured. */
  bearers: Bearers;
  ports: ApiPorts;
  /** Null: this Lockstep is alone. */
  nodes?: ClusterPorts | null;
  log?: { error(fields: object, message: string): void };
}

const DOCUMENT: Route = {
  method: "get",
  path: "/api/v1/openapi.json",
  summary: "This document",
  answers: { 200: z.object({ openapi: z.string() }) },
};

/** The operator's API under /api/v1. */
export function createApi(options: ApiOptions): Handler {
  const { bearers } = options;
  // With a token but no webhook secret, the webhook path must answer like any unknown path.
  return serve(
    apiApp(options),
    (path) => bearers.exist && path.startsWith("/api/v1/") && !path.startsWith("/api/v1/webhooks/"),
  );
}

export function apiApp({ bearers, ports, nodes, log }: ApiOptions): Hono {
  const app = new Hono();
  const routes = createRoutes(app, ports.audit);

  app.use(async (context, next) => {
    const forwarded = nodes ? await findForwarded(context, nodes) : null;
    const caller = forwarded ?? (await bearers.judge(context));
    if (caller instanceof Response) return caller;
    setCaller(context, caller);
    context.header("cache-control", "no-store");
    await next();
  });
  if (nodes) app.use(answerElsewhere(nodes));
  addListRoutes(routes, ports);
  addLogRoutes(routes, ports);
  addRepositoryRoute(routes, ports);
  addRepositoryLists(routes, ports);
  const act = addRefreshRoute(routes, ports);
  addHistoryRoutes(routes, ports, act);
  addContainsRoute(routes, ports);
  addEventRoute(routes, ports, nodes?.events ?? null);
  addOperatorRoutes(routes, ports);
  addSeveralRoutes(routes, ports, nodes ?? null);
  if (nodes) addNodeRoutes(routes, nodes);
  if (nodes) addClusterSettings(routes, nodes.settings);
  addTokenRoutes(routes, ports.tokens);
  addAuditRoute(routes, ports.audit);
  addTrendRoute(routes, ports);
  routes.add(DOCUMENT, (context) =>
    context.body(routes.document(), 200, { "content-type": "application/json" }),
  );
  app.notFound(() => notFound("no such resource", "see docs/api.md for what /api/v1 offers"));
  app.onError((error) => {
    log?.error({ err: error }, "an API request failed");
    if (isOfMachine(error)) return unreadable(asRefreshError(error));
    return problem({
      status: 500,
      reason: "internal",
      detail: "an error in Lockstep",
      remedy: "see the server's log",
    });
  });
  return app;
}
