import { type Context, Hono } from "hono";
import type { RepositoryState } from "../model.js";
import { isOwner, isRepositoryName } from "../names.js";
import { formatDuration, parseDuration } from "../units.js";
import { bearerCheck } from "./bearer.js";
import type { Handler } from "./mount.js";
import { problem } from "./problem.js";
import { serve } from "./serve.js";

/** A managed repository as the API shows it. Times are ISO 8601 texts in UTC. */
export interface RepositoryView {
  id: number;
  owner: string;
  name: string;
  state: RepositoryState;
  defaultBranch: string;
  installationId: number;
  /** Ref → object name; only where one repository is asked for. */
  heads?: Record<string, string>;
  queued: boolean;
  running: boolean;
  lastRefreshAt: string | null;
  lastFullAt: string | null;
  lastProvenAt: string | null;
  /** From the last push to its refresh, in milliseconds. */
  lagMs: number | null;
  pushedAt: string | null;
  lastError: { code: string; message: string; hint: string; at: string; attempt: number } | null;
}

export type SettledOutcome = { ok: true } | { ok: false; code: string; hint: string } | "timeout";

export interface ApiPorts {
  list(): RepositoryView[];
  /** By name, in any case; null: not managed. */
  get(owner: string, name: string): RepositoryView | null;
  /** Every ref of the mirror. */
  heads(id: number): Promise<Record<string, string>>;
  /** Asks for a refresh that compares every ref. */
  refresh(id: number): void;
  /** Resolves when the repository's request is done or has failed, or after `ms` milliseconds. */
  settled(id: number, ms: number): Promise<SettledOutcome>;
}

export interface ApiOptions {
  /** null: none of this is served. */
  apiToken: string | null;
  ports: ApiPorts;
  log?: { error(fields: object, message: string): void };
}

const MAX_WAIT_MS = 600_000;

/** The operator's API under /api/v1. */
export function createApi(options: ApiOptions): Handler {
  const { apiToken, ports, log } = options;
  const isOperator = bearerCheck(apiToken);
  const app = new Hono();

  app.use(async (context, next) => {
    if (!isOperator(context.req.header("authorization"))) return unauthorized();
    context.header("cache-control", "no-store");
    await next();
  });
  app.get("/api/v1/repos", (context) => context.json({ repositories: ports.list() }));
  app.get("/api/v1/repos/:owner/:name", async (context) => {
    const found = find(context, ports);
    if (found instanceof Response) return found;
    return context.json({ ...found, heads: await ports.heads(found.id) });
  });
  app.post("/api/v1/repos/:owner/:name/refresh", (context) => refresh(context, ports));
  app.notFound(() => notFound("no such resource", "see the README for what /api/v1 offers"));
  app.onError((error) => {
    log?.error({ err: error }, "an API request failed");
    return problem({
      ...{ status: 500, reason: "internal", detail: "a fault in Lockstep" },
      remedy: "see the server's log",
    });
  });

  // With the token set, a webhook path without a secret must still look like any unknown one.
  return serve(
    app,
    (path) => apiToken !== null && path.startsWith("/api/v1/") && !path.startsWith("/api/v1/webhooks/"),
  );
}

async function refresh(context: Context, ports: ApiPorts): Promise<Response> {
  const found = find(context, ports);
  if (found instanceof Response) return found;
  const wait = context.req.query("wait");
  const waitMs = wait === undefined ? 0 : parseDuration(wait);
  if (waitMs === null || waitMs > MAX_WAIT_MS) {
    return badRequest("wait is no duration", `write it as 30s, up to ${formatDuration(MAX_WAIT_MS)}`);
  }
  const { id, owner, name } = found;
  ports.refresh(id);
  if (waitMs === 0) return context.json({ queued: true, id, owner, name }, 202);
  return settledAnswer(context, await ports.settled(id, waitMs), ports.get(owner, name) ?? found);
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

/** The repository that the path names, or why there is none. */
function find(context: Context, ports: ApiPorts): RepositoryView | Response {
  const { owner = "", name = "" } = context.req.param() as { owner?: string; name?: string };
  if (!isOwner(owner) || !isRepositoryName(name)) {
    return badRequest("no repository of GitHub can have this name", "write it as owner/name, without .git");
  }
  const remedy = "check the name, REPOSITORIES and that the App is installed there";
  return ports.get(owner, name) ?? notFound("the repository is not managed", remedy);
}

const badRequest = (detail: string, remedy: string) =>
  problem({ status: 400, reason: "bad_request", detail, remedy });

const notFound = (detail: string, remedy: string) =>
  problem({ status: 404, reason: "not_found", detail, remedy });

const unauthorized = () =>
  problem({
    ...{ status: 401, reason: "unauthorized", detail: "the bearer token is missing or wrong" },
    remedy: "send Authorization: Bearer with the value of API_TOKEN",
    headers: { "www-authenticate": "Bearer" },
  });
