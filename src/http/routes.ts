import { OpenAPIRegistry, OpenApiGeneratorV31 } from "@asteasolutions/zod-to-openapi";
import type { Context, Handler, Hono } from "hono";
import { z } from "zod";
import { type AuditPorts, audited } from "./audit.js";
import { type Access, allowOnly } from "./caller.js";
import { Repository } from "./view.js";

/** One call of the API, used both to mount and to describe the call. */
export interface Route {
  method: "get" | "post";
  /** The path in OpenAPI's form: `/api/v1/repos/{owner}/{name}`. */
  path: string;
  summary: string;
  query?: z.ZodRawShape;
  headers?: z.ZodRawShape;
  body?: z.ZodType;
  /** Answers by status; a string is the media type of an answer that is not JSON. */
  answers: Record<number, z.ZodType | { type: string; description: string }>;
  /** The error statuses of the call, in addition to 401, 403, 429, 500 and 503. */
  problems?: number[];
  /** The default for GET is `read`, for POST `operate`. */
  needs?: Access["needs"];
  /** What the audit calls it; the default is the last part of the path. */
  action?: string;
  /** See `Access`. A route without it shows or changes only repositories that the caller may see. */
  isOfWhole?: true;
}

/** Schemas that several calls use. */
export const Named = { id: z.number().int(), owner: z.string(), name: z.string() };
export const Queued = z.object({ queued: z.literal(true), ...Named });
export const Refreshed = z.object({ refreshed: z.literal(true), repository: Repository });
export const WaitQuery = z.string().optional().meta({ description: "at most 10m", example: "30s" });

export interface Routes {
  /** Mounts the route and adds it to the document. */
  add(route: Route, ...handlers: Handler[]): void;
  /** The document as JSON. It follows https://spec.openapis.org/oas/v3.1.1.html */
  document(): string;
}

const Problem = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    reason: z.string().meta({ description: "a constant for programs; for a failed refresh its error code" }),
    remedy: z.string().meta({ description: "what to do next" }),
  })
  .meta({ id: "Problem", description: "RFC 9457, with reason and remedy" });

const ABOUT = {
  openapi: "3.1.0",
  info: {
    title: "Lockstep",
    version: "1",
    description: "The operator's API. Times are ISO 8601 in UTC. Durations look like 500ms, 30s or 5m.",
  },
  security: [{ token: [] }],
};

/** @param audit gets every call that is no read */
export function createRoutes(app: Hono, audit: AuditPorts): Routes {
  const registry = new OpenAPIRegistry();
  registry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: "the value of API_TOKEN, or a token that was made with it",
  });
  let document: string | undefined;
  return {
    add(route, ...handlers) {
      registry.registerPath(describe(route));
      const path = route.path.replace(/\{(\w+)\}/g, ":$1");
      const access = accessOf(route);
      const guards = route.method === "get" ? [] : [audited(audit, actOf(route))];
      app.on(route.method.toUpperCase(), [path], allowOnly(access), ...guards, ...handlers);
    },
    document() {
      // It takes a millisecond to write, and somebody may ask for it again and again.
      document ??= JSON.stringify(new OpenApiGeneratorV31(registry.definitions).generateDocument(ABOUT));
      return document;
    },
  };
}

const accessOf = ({ method, needs, isOfWhole }: Route): Access => ({
  needs: needs ?? (method === "get" ? "read" : "operate"),
  isOfWhole: isOfWhole ?? false,
});

/** Returns what the audit writes down of a call. */
const actOf =
  ({ path, action = path.slice(path.lastIndexOf("/") + 1) }: Route) =>
  ({ req }: Context) => {
    const { owner, name, id } = req.param() as { owner?: string; name?: string; id?: string };
    const subject = owner ? `${owner}/${name}` : id ? `installation ${id}` : subjectOf(path, name);
    return { via: "api" as const, action, subject };
  };

function subjectOf(path: string, name: string | undefined): string {
  if (path.includes("/nodes/")) return `node ${name}`;
  if (path.includes("/tokens")) return `token ${name ?? ""}`.trim();
  if (path.includes("/cluster/")) return "cluster";
  return path.includes("/repos/") ? "several repositories" : "backstop";
}

/** Says in the document which tokens may call a route. */
function describeAccess({ needs, isOfWhole }: Access): string {
  if (needs === "API_TOKEN") return "For API_TOKEN alone.";
  return `Needs the scope \`${needs}\`${isOfWhole ? ", and a token for every repository" : ""}.`;
}

function describe(route: Route) {
  const { method, path, summary, query, headers, body, answers, problems = [] } = route;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const responses = Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)]);
  const refusals = [401, 403, 429, ...problems, 500, 503].map((status) => [status, refusal(status)]);
  return {
    method,
    path,
    summary,
    description: describeAccess(accessOf(route)),
    operationId: operationOf(method, path),
    request: {
      ...(names.length > 0 && { params: z.object(Object.fromEntries(names.map((it) => [it, z.string()]))) }),
      ...(query && { query: z.object(query) }),
      ...(headers && { headers: z.object(headers) }),
      ...(body && { body: { required: true, content: { "application/json": { schema: body } } } }),
    },
    responses: Object.fromEntries([...refusals, ...responses]),
  };
}

/** Returns the name in generated clients: `GET /api/v1/repos/{owner}/{name}` → `getReposOwnerName`. */
const operationOf = (method: string, path: string): string =>
  method + path.replace("/api/v1", "").replace(/\W+(\w?)/g, (_, letter: string) => letter.toUpperCase());

function answerOf(answer: Route["answers"][number]) {
  return answer instanceof z.ZodType
    ? { description: "done", content: { "application/json": { schema: answer } } }
    : { description: answer.description, content: { [answer.type]: { schema: z.string() } } };
}

const MEANINGS: Record<number, string> = {
  400: "the request is not valid",
  401: "the token is missing or wrong",
  403: "the token lacks a scope, or is limited to some repositories",
  404: "not found",
  408: "not there in time",
  409: "conflicts with the current state",
  413: "the body is too large",
  429: "too many wrong tokens",
  500: "an error in Lockstep",
  502: "the refresh failed",
  503: "a mirror or the database cannot be read or written; `reason` is the code",
  504: "the refresh did not finish in time and continues",
};

const refusal = (status: number) => ({
  description: MEANINGS[status]!,
  content: { "application/problem+json": { schema: Problem } },
});
