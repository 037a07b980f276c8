import type { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { type EventPorts, waitForEvent } from "../events.js";

/** A burst of refreshes rings once. */
const PAUSE_MS = 500;

/** Tells an open page that something has changed, and not what: it asks again, as its session still allows. */
export function addLive(app: Hono, { newEvents, stopping }: EventPorts["events"]): void {
  app.get("/live", (context) => {
    context.header("x-accel-buffering", "no");
    return streamSSE(context, async (stream) => {
      const left = new AbortController();
      stream.onAbort(() => left.abort());
      await stream.write("retry: 5000\n\n");
      while (!stream.aborted && !stopping()) {
        const hasChanged = await waitForEvent(newEvents, left.signal);
        if (stream.aborted) return;
        await stream.write(hasChanged ? "event: change\ndata:\n\n" : ": \n\n");
        if (hasChanged) await stream.sleep(PAUSE_MS);
      }
    });
  });
}
