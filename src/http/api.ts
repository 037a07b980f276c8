import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Bearers } from "./bearer.js";
import { addContainsRoute, type ContainsPorts } from "./contains.js";
import { addEventRoute, type EventPorts } from "./events.js";
import { type Act, addHistoryRoutes, type HistoryPorts } from "./history.js";
import { addListRoutes, type ListPorts } from "./lists.js";
import { addLogRoutes, type LogPorts } from "./logs.js";
import { find, findWait, hindrance, type Lookup, notFound } from "./lookup.js";
import type { Handler } from "./mount.js";
import { type OperatePorts, operatorRoutes } from "./operate.js";
import { problem } from "./problem.js";
import { createRoutes, Queued, Refreshed, type Route, WaitQuery } from "./routes.js";
import { serve } from "./serve.js";
import { type MaintenanceView, RepositoryDetails, type RepositoryView, type SettledOutcome } from "./view.js";

export interface ApiPorts extends OperatePorts, HistoryPorts, ContainsPorts, EventPorts, ListPorts, LogPorts {
  get: Lookup;
  /** Every ref of the mirror. */
  heads(id: number): Promise<Record<string, string>>;
  /** Refs proven later than the repository as a whole. */
  headsProvenAt(id: number): Record<string, string>;
  maintenance(id: number): MaintenanceView;
  /** Asks for a refresh that compares every ref. */
  refresh(id: number): void;
  /** Resolves when the repository's request is done or has failed, or after `ms` milliseconds. */
  settled(id: number, ms: number): Promise<SettledOutcome>;
}

export interface ApiOptions {
  /** Without any none of this is served. */
  bearers: Bearers;
  ports: ApiPorts;
  log?: { error(fields: object, message: string): void };
}

const ONE: Route = {
  method: "get",
  path: "/api/v1/repos/{owner}/{name}",
  summary: "One repository, with every ref's tip",
  answers: { 200: RepositoryDetails },
  problems: [400, 404],
};
const REFRESH: Route = {
  method: "post",
  path: "/api/v1/repos/{owner}/{name}/refresh",
  summary: "Compare every ref",
  query: { wait: WaitQuery },
  answers: { 200: Refreshed, 202: Queued },
  problems: [400, 404, 409, 502, 504],
};

const DOCUMENT: Route = {
  method: "get",
  path: "/api/v1/openapi.json",
  summary: "This document",
  answers: { 200: z.object({ openapi: z.string() }) },
};

/** The operator's API under /api/v1. */
export function createApi(options: ApiOptions): Handler {
  const { bearers } = options;
  // With the token set, a webhook path without a secret must still look like any unknown one.
  return serve(
    apiApp(options),
    (path) => bearers.exist && path.startsWith("/api/v1/") && !path.startsWith("/api/v1/webhooks/"),
  );
}

export function apiApp({ bearers, ports, log }: ApiOptions): Hono {
  const app = new Hono();
  const routes = createRoutes(app);

  app.use(async (context, next) => {
    const refusal = await bearers.refuse(context);
    if (refusal) return refusal;
    context.header("cache-control", "no-store");
    await next();
  });
  addListRoutes(routes, ports);
  addLogRoutes(routes, ports);
  routes.add(ONE, async (context) => {
    const found = find(context, ports.get);
    if (found instanceof Response) return found;
    const heads = await ports.heads(found.id);
    const history = await ports.history(found.id, heads);
    return context.json({
      ...found,
      heads,
      headsProvenAt: ports.headsProvenAt(found.id),
      maintenance: ports.maintenance(found.id),
      ...history,
    });
  });
  const act: Act = (...call) => refresh(ports, ...call);
  routes.add(REFRESH, (context) => act(context, () => null));
  addHistoryRoutes(routes, ports, act);
  addContainsRoute(routes, ports);
  addEventRoute(routes, ports);
  operatorRoutes(routes, ports);
  routes.add(DOCUMENT, (context) => context.json(routes.document()));
  app.notFound(() => notFound("no such resource", "see the README for what /api/v1 offers"));
  app.onError((error) => {
    log?.error({ err: error }, "an API request failed");
    return problem({
      status: 500,
      reason: "internal",
      detail: "a fault in Lockstep",
      remedy: "see the server's log",
    });
  });
  return app;
}

/** Asks for a refresh, unless `start` refuses it. */
async function refresh(ports: ApiPorts, ...[context, start, end]: Parameters<Act>): Promise<Response> {
  const found = find(context, ports.get);
  if (found instanceof Response) return found;
  const hindered = hindrance(found);
  if (hindered) return hindered;
  const waitMs = findWait(context);
  if (waitMs instanceof Response) return waitMs;
  const { id, owner, name } = found;
  const refusal = await start(found);
  if (refusal) return problem(refusal);
  ports.refresh(id);
  if (waitMs === 0) return context.json({ queued: true, id, owner, name }, 202);
  const outcome = await ports.settled(id, waitMs);
  const after = outcome !== "timeout" && outcome.ok ? await end?.(found) : null;
  return after ? problem(after) : settledAnswer(context, outcome, ports.get(owner, name) ?? found);
}

function settledAnswer(context: Context, outcome: SettledOutcome, repository: RepositoryView): Response {
  if (outcome === "timeout") {
    const detail = "the refresh was not done in time and goes on";
    return problem({
      status: 504,
      reason: "timeout",
      detail,
      remedy: "wait longer, or look at the repository",
    });
  }
  if (outcome.ok) return context.json({ refreshed: true, repository });
  const detail = repository.lastError?.message ?? "the refresh failed";
  return problem({ status: 502, reason: outcome.code, detail, remedy: outcome.hint });
}
