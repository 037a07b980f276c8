import { type EventEmitter, once } from "node:events";
import type { Context } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import type { Announcement } from "../base/model.js";
import { badRequest } from "./lookup.js";

/** The events of this node. */
export interface OwnEvents {
  /** Lists events later than `id`, oldest first. @param repositoryId null means all repositories */
  after(id: number, limit: number, repositoryId: number | null): Announcement[];
  /** Returns the ids of the oldest stored event (0 when there is none) and of the last event ever made. */
  bounds(): { oldest: number; newest: number };
  /** Emits "event" when new events may exist. */
  newEvents: EventEmitter;
  stopping(): boolean;
}

export const HEARTBEAT_MS = 15_000;
/** A client that reads nothing for this long is disconnected; it resumes by Last-Event-ID. */
const STALL_MS = 10_000;
const RETRY_MS = 2_000;
/** One event may contain a thousand changes. */
export const BATCH = 20;

/** What a stream begins with. */
export const RETRY = `retry: ${RETRY_MS}\n\n`;
export const GAP = 'event: gap\ndata: {"reason":"older events are not kept"}\n\n';
export const HEARTBEAT = ": \n\n";

/** Whether events are missing after an id: it is from before this DATA_DIR was created, or older than the stored events. */
export const isGap = (after: number, { oldest, newest }: { oldest: number; newest: number }): boolean =>
  after > newest || (after < newest && (oldest === 0 || after < oldest - 1));

export const noEventId = (): Response =>
  badRequest("not an event id", "send the id of the last event received, or no id");

/** Answers with a stream. HEAD gets the head alone: nobody would read the stream, and its end would not be noticed. */
export function streamTo(context: Context, write: (stream: SSEStreamingApi) => Promise<void>): Response {
  if (context.req.method === "HEAD") return context.body(null, 200, { "content-type": "text/event-stream" });
  return streamSSE(context, write);
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

export async function inTime(writing: Promise<unknown>, drop: () => void): Promise<void> {
  const timer = setTimeout(drop, STALL_MS);
  await writing;
  clearTimeout(timer);
}
