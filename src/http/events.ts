import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { SSEStreamingApi } from "hono/streaming";
import { z } from "zod";
import type { Caller } from "../base/access.js";
import { monotonicMs } from "../base/clock.js";
import { fullName } from "../base/names.js";
import { beginSlice } from "../base/slices.js";
import { callerOf, canSee } from "./caller.js";
import {
  BATCH,
  GAP,
  HEARTBEAT,
  HEARTBEAT_MS,
  inTime,
  isGap,
  noEventId,
  type OwnEvents,
  RETRY,
  streamTo,
  waitForEvent,
} from "./event-stream.js";
import type { EventsOfNodes } from "./gathered-events.js";
import { createGathered } from "./gathered-stream.js";
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
    const reader = { repositoryId, drop, caller: callerOf(context) };
    // A reader whose stream breaks reconnects, and resumes by Last-Event-ID.
    if (nodes) {
      const gathered = createGathered({ ...ports.events, nodes }, reader);
      const refusal = await gathered.begin(given);
      return refusal ?? streamTo(context, (stream) => gathered.send(stream).catch(drop));
    }
    const start = startOf(ports.events, given);
    if (start instanceof Response) return start;
    return streamTo(context, (stream) =>
      sendEvents(ports.events, stream, { ...reader, ...start }).catch(drop),
    );
  });
}

/** @returns where the reader goes on, or the answer that explains what is wrong with its id */
function startOf({ bounds }: OwnEvents, given: string | undefined): Start | Response {
  if (given !== undefined && !/^\d{1,15}$/.test(given)) return noEventId();
  const { oldest, newest } = bounds();
  const after = given === undefined ? newest : Number(given);
  return { after: after > newest ? 0 : after, gap: isGap(after, { oldest, newest }) };
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

interface Start {
  after: number;
  gap: boolean;
}

interface Reader extends Start {
  repositoryId: number | null;
  /** Destroys the connection at once. */
  drop(): void;
  caller: Caller;
}

async function sendEvents(events: OwnEvents, stream: SSEStreamingApi, reader: Reader): Promise<void> {
  const left = new AbortController();
  stream.onAbort(() => left.abort());
  const send = (text: string) => inTime(stream.write(text), reader.drop);
  const { sees, isValid } = reader.caller;
  const isOpen = () => !stream.aborted && !events.stopping() && isValid();
  let { after } = reader;
  const slice = beginSlice();
  let sentAt = monotonicMs();
  await send(RETRY);
  if (reader.gap) await send(GAP);
  while (isOpen()) {
    const found = events.after(after, BATCH, reader.repositoryId);
    for (const event of found) {
      if (!isOpen()) return;
      after = event.id;
      if (sees !== null && !sees(fullName(event.repository))) {
        // A week's events may be none of the reader's, and nothing is sent that would let other work run.
        if (slice.isOver()) await slice.next();
        continue;
      }
      await send(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      sentAt = monotonicMs();
    }
    const isQuiet = found.length === 0 && !(await waitForEvent(events.newEvents, left.signal));
    // Events that the reader may not see are no sign of life.
    if ((!isQuiet && monotonicMs() - sentAt < HEARTBEAT_MS) || !isOpen()) continue;
    await send(HEARTBEAT);
    sentAt = monotonicMs();
  }
}
