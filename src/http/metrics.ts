import { Hono } from "hono";
import type { Bearers } from "./bearer.js";
import { allowOnly, setCaller } from "./caller.js";
import type { Handler } from "./handler.js";
import { serve } from "./serve.js";

interface Options {
  /** Without a token metrics are not served. */
  bearers: Bearers;
  scrape(): Promise<{ type: string; body: string }>;
}

/**
 * Serves `/metrics` for Prometheus with the token, because the values reveal facts about private
 * repositories.
 */
export function createMetricsRoute({ bearers, scrape }: Options): Handler {
  const app = new Hono();
  app.use(async (context, next) => {
    const caller = await bearers.judge(context);
    if (caller instanceof Response) return caller;
    setCaller(context, caller);
    return next();
  });
  app.get("/metrics", allowOnly({ needs: "read", isOfWhole: true }), async (context) => {
    const { type, body } = await scrape();
    return context.body(body, 200, { "content-type": type, "cache-control": "no-store" });
  });
  return serve(app, (path) => bearers.exist && path === "/metrics");
}
