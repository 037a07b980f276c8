import type { Hono } from "hono";
import { streamTo, waitForEvent } from "../event-stream.js";
import type { EventPorts } from "../events.js";

/** A burst of refreshes sends one message per this time. */
const PAUSE_MS = 500;

/**
 * Notifies an open page that something changed, but not what: the page asks again, subject to its session.
 */
export function addLive(
  app: Hono,
  { newEvents, stopping }: Pick<EventPorts["events"], "newEvents" | "stopping">,
): void {
  app.get("/live", (context) => {
    context.header("x-accel-buffering", "no");
    return streamTo(context, async (stream) => {
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
