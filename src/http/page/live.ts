import { EventEmitter } from "node:events";
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
      const news = new EventEmitter();
      let isNews = false;
      const note = () => {
        isNews = true;
        news.emit("event");
      };
      // What changes during a pause is told after it.
      newEvents.on("event", note);
      try {
        await stream.write("retry: 5000\n\n");
        while (!stream.aborted && !stopping()) {
          const hasChanged = isNews || (await waitForEvent(news, left.signal));
          isNews = false;
          if (stream.aborted) return;
          await stream.write(hasChanged ? "event: change\ndata:\n\n" : ": \n\n");
          if (hasChanged) await stream.sleep(PAUSE_MS);
        }
      } finally {
        newEvents.off("event", note);
      }
    });
  });
}
