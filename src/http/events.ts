import { type EventEmitter, once } from "node:events";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { z } from "zod";
import type { Caller } from "../base/access.js";
import { monotonicMs } from "../base/clock.js";
import type { Announcement } from "../base/model.js";
import { fullName } from "../base/names.js";
import { beginSlice } from "../base/slices.js";
import { callerOf, canSee } from "./caller.js";
import { badRequest, type Lookup, notFound } from "./lookup.js";
import type { Route, Routes } from "./routes.js";

export interface EventPorts {
  get: Lookup;
  events: {
    /** Lists events later than `id`, oldest first. @param repositoryId null means all repositories */
    after(id: number, limit: number, repositoryId: number | null): Announcement[];
    /** Returns the ids of the oldest stored event (0 when there is none) and of the last event ever made. */
    bounds(): { oldest: number; newest: number };
    /** Emits "event" when new events may exist. */
    newEvents: EventEmitter;
    stopping(): boolean;
  };
}

const HEARTBEAT_MS = 15_000;
/** A client that reads nothing for this long is disconnected; it resumes by Last-Event-ID. */
const STALL_MS = 10_000;
const RETRY_MS = 2_000;
/** One event may contain a thousand changes. */
const BATCH = 20;

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
 */
export function addEventRoute(routes: Routes, ports: EventPorts): void {
  routes.add(EVENTS, (context) => {
    const repositoryId = repositoryOf(context, ports.get);
    if (repositoryId instanceof Response) return repositoryId;
    const given = context.req.header("last-event-id") || context.req.query("after");
    if (given !== undefined && !/^\d{1,15}$/.test(given)) {
      return badRequest("not an event id", "send the id of the last event received, or no id");
    }
    const { oldest, newest } = ports.events.bounds();
    const after = given === undefined ? newest : Number(given);
    // The id is from before this DATA_DIR was created, or is older than the stored events.
    const gap = after > newest || (after < newest && (oldest === 0 || after < oldest - 1));
    context.header("x-accel-buffering", "no"); // nginx would otherwise buffer the events
    const drop = () => void (context.env as HttpBindings).outgoing.destroy();
    const reader = { after: after > newest ? 0 : after, gap, repositoryId, drop, caller: callerOf(context) };
    // A reader whose stream breaks reconnects, and resumes by Last-Event-ID.
    return streamTo(context, (stream) => sendEvents(ports.events, stream, reader).catch(drop));
  });
}

/** Answers with a stream. HEAD gets the head alone: nobody would read the stream, and its end would not be noticed. */
export function streamTo(context: Context, write: (stream: SSEStreamingApi) => Promise<void>): Response {
  if (context.req.method === "HEAD") return context.body(null, 200, { "content-type": "text/event-stream" });
  return streamSSE(context, write);
}

/** Parses `?repository=owner/name`; null means all repositories. */
function repositoryOf(context: Context, get: Lookup): number | null | Response {
  const wanted = context.req.query("repository");
  if (wanted === undefined) return null;
  const [owner = "", name = "", ...rest] = wanted.split("/");
  if (rest.length > 0) return badRequest("no repository", "write it as owner/name");
  const found = canSee(context, { owner, name }) ? get(owner, name) : null;
  return found?.id ?? notFound("the repository is not managed", "check the name");
}

interface Reader {
  after: number;
  gap: boolean;
  repositoryId: number | null;
  /** Destroys the connection at once. */
  drop(): void;
  caller: Caller;
}

async function sendEvents(
  events: EventPorts["events"],
  stream: SSEStreamingApi,
  reader: Reader,
): Promise<void> {
  const left = new AbortController();
  stream.onAbort(() => left.abort());
  const send = (text: string) => inTime(stream.write(text), reader.drop);
  const { sees, isValid } = reader.caller;
  const isOpen = () => !stream.aborted && !events.stopping() && isValid();
  let { after } = reader;
  const slice = beginSlice();
  let sentAt = monotonicMs();
  await send(`retry: ${RETRY_MS}\n\n`);
  if (reader.gap) await send('event: gap\ndata: {"reason":"older events are not kept"}\n\n');
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
    await send(": \n\n");
    sentAt = monotonicMs();
  }
}

/** @returns false after a heartbeat's time without events, or when the reader has left */
export async function waitForEvent(newEvents: EventEmitter, left: AbortSignal): Promise<boolean> {
  const quiet = new AbortController();
  const end = () => quiet.abort();
  const timer = setTimeout(end, HEARTBEAT_MS);
  left.addEventListener("abort", end, { once: true });
  try {
    await once(newEvents, "event", { signal: quiet.signal });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    left.removeEventListener("abort", end);
  }
}

async function inTime(writing: Promise<unknown>, drop: () => void): Promise<void> {
  const timer = setTimeout(drop, STALL_MS);
  await writing;
  clearTimeout(timer);
}
