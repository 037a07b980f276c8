import type { Context } from "hono";
import type { Act } from "./history.js";
import { find, findWait, gone, type Lookup, refreshRefusal } from "./lookup.js";
import { problem } from "./problem.js";
import { Queued, Refreshed, type Route, type Routes, WaitQuery } from "./routes.js";
import type { RepositoryView, SettledOutcome } from "./view.js";

export interface RefreshPorts {
  get: Lookup;
  /** Requests a refresh that compares every ref. */
  refresh(id: number): void;
  /** Resolves when the repository's request has succeeded or failed, after `ms` milliseconds, or once the client is gone. */
  settled(id: number, ms: number, signal: AbortSignal): Promise<SettledOutcome>;
}

const REFRESH: Route = {
  method: "post",
  path: "/api/v1/repos/{owner}/{name}/refresh",
  summary: "Compare every ref",
  query: { wait: WaitQuery },
  answers: { 200: Refreshed, 202: Queued },
  problems: [400, 404, 409, 502, 504],
};

/** @returns the function that requests a refresh, for routes that need a refresh after their own change */
export function addRefreshRoute(routes: Routes, ports: RefreshPorts): Act {
  const act: Act = (...call) => refresh(ports, ...call);
  routes.add(REFRESH, (context) => act(context, () => null));
  return act;
}

/** Requests a refresh, unless `start` refuses. */
async function refresh(ports: RefreshPorts, ...[context, start, end]: Parameters<Act>): Promise<Response> {
  const found = find(context, ports.get);
  if (found instanceof Response) return found;
  const refused = refreshRefusal(found);
  if (refused) return refused;
  const waitMs = findWait(context);
  if (waitMs instanceof Response) return waitMs;
  const { id, owner, name } = found;
  const refusal = await start(found);
  if (refusal) return problem(refusal);
  ports.refresh(id);
  if (waitMs === 0) return context.json({ queued: true, id, owner, name }, 202);
  const { signal } = context.req.raw;
  const outcome = await ports.settled(id, waitMs, signal);
  if (signal.aborted) return gone();
  const after = outcome !== "timeout" && outcome.ok ? await end?.(found) : null;
  return after ? problem(after) : settledAnswer(context, outcome, ports.get(owner, name) ?? found);
}

function settledAnswer(context: Context, outcome: SettledOutcome, repository: RepositoryView): Response {
  if (outcome === "timeout") {
    const detail = "the refresh did not finish in time and continues";
    return problem({
      status: 504,
      reason: "timeout",
      detail,
      remedy: "wait longer, or check the repository",
    });
  }
  if (outcome.ok) return context.json({ refreshed: true, repository });
  const detail = repository.lastError?.message ?? "the refresh failed";
  return problem({ status: 502, reason: outcome.code, detail, remedy: outcome.hint });
}
