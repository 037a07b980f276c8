import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { mayReadWhole } from "../base/access.js";
import type { Bearers } from "./bearer.js";
import { cached } from "./cached.js";
import { clientAddress } from "./client-address.js";
import type { Handler } from "./handler.js";
import { askedTooOften } from "./problem.js";
import { createRateLimit } from "./rate-limit.js";
import { serve } from "./serve.js";
import type { FreshnessState } from "./status-view.js";

export interface HealthPorts {
  /**
   * Fails only when deliveries cannot be stored or the process is stopping. A reason without a failure says what else
   * is wrong with this machine.
   */
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

/** What one address may ask; like a webhook's calls, with a count of its own. */
export interface HealthLimits {
  trustedProxies: readonly string[];
  webhookRate: number;
  webhookBurst: number;
}

interface Options {
  bearers: Bearers;
  ports: HealthPorts;
  limits?: HealthLimits;
}

const PATHS = ["/healthz", "/readyz", "/freshz"];
/** Whether all is fresh is counted over every repository and problem, so anyone who asks gets the same answer for so long. */
const KEPT_MS = 1_000;
const USUAL: HealthLimits = { trustedProxies: [], webhookRate: 200, webhookBurst: 2_000 };

/** Serves probes and monitors without a token; names and reasons are shown only with the token. */
export function createHealth({ bearers, ports, limits = USUAL }: Options): Handler {
  const app = new Hono();
  const fresh = cached(KEPT_MS, ports.fresh);
  // A probe of /healthz asks nothing that costs, and its failure would end the process.
  const limited = limitPerAddress(limits);

  /** @param details shown only to whoever may read the whole */
  const answer = async (context: Context, code: 200 | 503, status: string, details: object) => {
    context.header("cache-control", "no-store");
    // A wrong token counts as an attempt here too, but the probe still gets its answer.
    const caller = await bearers.judge(context);
    const shown = !(caller instanceof Response) && mayReadWhole(caller) ? details : {};
    return context.json({ status, ...shown }, code);
  };

  app.get("/healthz", (context) => answer(context, 200, "ok", {}));
  app.get("/readyz", limited, (context) => {
    const { ok, reason } = ports.ready();
    const details = reason === undefined ? {} : { reason };
    return ok ? answer(context, 200, "ok", details) : answer(context, 503, "unavailable", details);
  });
  app.get("/freshz", limited, (context) => {
    const { state, ...details } = fresh();
    return answer(context, state === "fresh" ? 200 : 503, state, details);
  });
  app.onError((_, context) => answer(context, 503, "unavailable", {}));

  return serve(app, (path) => PATHS.includes(path));
}

function limitPerAddress({ trustedProxies, webhookRate, webhookBurst }: HealthLimits): MiddlewareHandler {
  const secondsToWait = createRateLimit(webhookRate, webhookBurst);
  const addressOf = clientAddress(trustedProxies);
  return async ({ env }, next) => {
    const seconds = await secondsToWait(addressOf((env as HttpBindings).incoming));
    return seconds === 0 ? next() : askedTooOften(seconds);
  };
}
