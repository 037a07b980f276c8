import { Hono } from "hono";
import { bearerCheck } from "./bearer.js";
import type { Handler } from "./mount.js";
import { unauthorized } from "./problem.js";
import { serve } from "./serve.js";

interface Options {
  /** null: it is not served. */
  apiToken: string | null;
  scrape(): Promise<{ type: string; body: string }>;
}

/** `/metrics` for Prometheus, with the token: what is counted tells of private repositories. */
export function createMetricsRoute({ apiToken, scrape }: Options): Handler {
  const isOperator = bearerCheck(apiToken);
  const app = new Hono();
  app.get("/metrics", async (context) => {
    if (!isOperator(context.req.header("authorization"))) return unauthorized();
    const { type, body } = await scrape();
    return context.body(body, 200, { "content-type": type, "cache-control": "no-store" });
  });
  return serve(app, (path) => apiToken !== null && path === "/metrics");
}
