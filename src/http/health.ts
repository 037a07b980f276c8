import { type Context, Hono } from "hono";
import type { Bearers } from "./bearer.js";
import type { Handler } from "./mount.js";
import { serve } from "./serve.js";

export interface HealthPorts {
  /** Not ok only when deliveries cannot be persisted or the process is stopping. */
  ready(): { ok: boolean; reason?: string };
  /** Not ok when the proof of freshness of some repository is older than STALE_AFTER, or anything may make it so. */
  fresh(): {
    ok: boolean;
    oldestMs: number | null;
    repositories: { repository: string; reason: string }[];
    problems: object[];
  };
}

const PATHS = ["/healthz", "/readyz", "/freshz"];

/** For probes and monitors: open to all, so that only a bearer of the token is told names and reasons. */
export function createHealth({ bearers, ports }: { bearers: Bearers; ports: HealthPorts }): Handler {
  const app = new Hono();

  const answer = async (context: Context, ok: boolean, status: string, details: object) => {
    context.header("cache-control", "no-store");
    // A wrong token counts here, too, but a probe is answered all the same.
    const shown = (await bearers.refuse(context)) === null ? details : {};
    return context.json({ status, ...shown }, ok ? 200 : 503);
  };

  app.get("/healthz", (context) => answer(context, true, "ok", {}));
  app.get("/readyz", (context) => {
    const { ok, reason } = ports.ready();
    return answer(context, ok, ok ? "ok" : "unavailable", reason === undefined ? {} : { reason });
  });
  app.get("/freshz", (context) => {
    const { ok, ...details } = ports.fresh();
    return answer(context, ok, ok ? "fresh" : "stale", details);
  });
  app.onError((_, context) => answer(context, false, "unavailable", {}));

  return serve(app, (path) => PATHS.includes(path));
}
