import { type Context, Hono } from "hono";
import type { Bearers } from "./bearer.js";
import type { Handler } from "./mount.js";
import { serve } from "./serve.js";
import type { FreshnessState } from "./status-view.js";

export interface HealthPorts {
  /** Fails only when deliveries cannot be stored or the process is stopping. */
  ready(): { ok: boolean; reason?: string };
  /**
   * Succeeds when the state is `fresh`. It is not while some repository has no mirror, or its proof is older than
   * STALE_AFTER, or a problem may make it so.
   */
  fresh(): {
    state: FreshnessState;
    mirrors: { managed: number; cloned: number };
    oldestMs: number | null;
    repositories: { repository: string; reason: string }[];
    problems: object[];
  };
}

const PATHS = ["/healthz", "/readyz", "/freshz"];

/** Serves probes and monitors without a token; names and reasons are shown only with the token. */
export function createHealth({ bearers, ports }: { bearers: Bearers; ports: HealthPorts }): Handler {
  const app = new Hono();

  /** @param details shown only with the token */
  const answer = async (context: Context, code: 200 | 503, status: string, details: object) => {
    context.header("cache-control", "no-store");
    // A wrong token counts as an attempt here too, but the probe still gets its answer.
    const shown = (await bearers.refuse(context)) === null ? details : {};
    return context.json({ status, ...shown }, code);
  };

  app.get("/healthz", (context) => answer(context, 200, "ok", {}));
  app.get("/readyz", (context) => {
    const { ok, reason } = ports.ready();
    const details = reason === undefined ? {} : { reason };
    return ok ? answer(context, 200, "ok", details) : answer(context, 503, "unavailable", details);
  });
  app.get("/freshz", (context) => {
    const { state, ...details } = ports.fresh();
    return answer(context, state === "fresh" ? 200 : 503, state, details);
  });
  app.onError((_, context) => answer(context, 503, "unavailable", {}));

  return serve(app, (path) => PATHS.includes(path));
}
