import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { z } from "zod";
import { callerOf, canSee } from "./caller.js";
import { createReader } from "./event-reader.js";
import { type OwnEvents, streamTo } from "./event-stream.js";
import type { EventsOfNodes } from "./gathered-events.js";
import { badRequest, type Lookup, notFound } from "./lookup.js";
import type { Route, Routes } from "./routes.js";

export interface EventPorts {
  get: Lookup;
  events: OwnEvents;
}

const EVENTS: Route = {
  method: "get",
  path: "/api/v1/events",
  summary: "Changes made by refreshes, as they happen",
  query: {
    repository: z.string().optional().meta({ description: "owner/name; all repositories if absent" }),
    after: z.string().optional().meta({ description: "id of the last event received" }),
  },
  headers: { "last-event-id": z.string().optional() },
  answers: { 200: { type: "text/event-stream", description: "server-sent events, docs/announce.md" } },
  problems: [400, 404],
};

/**
 * Serves the event stream. Every reader reads the outbox at its own pace, so events for a slow reader wait on
 * disk.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 * @param nodes null: this Lockstep is alone
 */
export function addEventRoute(routes: Routes, ports: EventPorts, nodes: EventsOfNodes | null): void {
  routes.add(EVENTS, async (context) => {
    const repositoryId = repositoryOf(context, { get: ports.get, nodes });
    if (repositoryId instanceof Response) return repositoryId;
    const given = context.req.header("last-event-id") || context.req.query("after");
    context.header("x-accel-buffering", "no"); // nginx would otherwise buffer the events
    const drop = () => void (context.env as HttpBindings).outgoing.destroy();
    const reader = createReader(
      { ...ports.events, nodes },
      { repositoryId, drop, caller: callerOf(context) },
    );
    // A reader whose stream breaks reconnects, and resumes by Last-Event-ID.
    const refusal = await reader.begin(given);
    return refusal ?? streamTo(context, (stream) => reader.send(stream).catch(drop));
  });
}

/** Parses `?repository=owner/name`; null means all repositories. */
function repositoryOf(
  context: Context,
  { get, nodes }: { get: Lookup; nodes: EventsOfNodes | null },
): number | null | Response {
  const wanted = context.req.query("repository");
  if (wanted === undefined) return null;
  const [owner = "", name = "", ...rest] = wanted.split("/");
  if (rest.length > 0) return badRequest("no repository", "write it as owner/name");
  const found = canSee(context, { owner, name })
    ? (get(owner, name)?.id ?? nodes?.find({ owner, name }))
    : null;
  return found ?? notFound("the repository is not managed", "check the name");
}
