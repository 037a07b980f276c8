import type { Context } from "hono";
import { z } from "zod";
import { nextTurn } from "../base/slices.js";
import { noteDetail } from "./audit.js";
import { FilterQuery, findFilter, type ListPorts, type RepositoryFilter } from "./lists.js";
import { refreshRefusal } from "./lookup.js";
import type { Route, Routes } from "./routes.js";
import type { RepositoryView } from "./view.js";

export interface SeveralPorts extends Pick<ListPorts, "list"> {
  refresh(id: number): void;
  resume(id: number): void;
  /** Begins a pass of the backstop. @returns false: a pass goes on, and another one follows it */
  beginPass(): boolean;
}

/** The event loop gets a turn after this many repositories. */
const AT_A_TIME = 100;

const Asked = z.object({
  repositories: z.number().int().meta({ description: "how many repositories this has been done to" }),
});
const REFRESH: Route = {
  method: "post",
  path: "/api/v1/repos/refresh",
  summary: "Compare every ref of all repositories that the filter matches, but for paused ones",
  query: FilterQuery,
  isOfWhole: true,
  answers: { 202: Asked },
  problems: [400],
};
const RESUME: Route = {
  method: "post",
  path: "/api/v1/repos/resume",
  summary: "Resume all paused repositories that the filter matches, and refresh them",
  query: FilterQuery,
  isOfWhole: true,
  answers: { 202: Asked },
  problems: [400],
};
const PASS: Route = {
  method: "post",
  path: "/api/v1/pass",
  summary: "Begin a pass of the backstop now",
  isOfWhole: true,
  answers: {
    202: z.object({
      begun: z.boolean().meta({ description: "false: a pass goes on, and another one follows it" }),
    }),
  },
};

/** Actions on many repositories in one call. Of a cluster they concern what the node has that is asked. */
export function addSeveralRoutes(routes: Routes, ports: SeveralPorts): void {
  routes.add(REFRESH, (context) =>
    actOnEach(context, ports, (one) => {
      if (refreshRefusal(one)) return false;
      ports.refresh(one.id);
      return true;
    }),
  );
  routes.add(RESUME, (context) =>
    actOnEach(context, ports, ({ id, pausedAt }) => {
      if (pausedAt === null) return false;
      ports.resume(id);
      return true;
    }),
  );
  routes.add(PASS, (context) => context.json({ begun: ports.beginPass() }, 202));
}

/** @param act returns whether it has done something */
async function actOnEach(
  context: Context,
  { list }: SeveralPorts,
  act: (one: RepositoryView) => boolean,
): Promise<Response> {
  const filter = findFilter(context.req.query());
  if (filter instanceof Response) return filter;
  noteDetail(context, describe(filter));
  let count = 0;
  let after: Parameters<typeof list>[0]["after"] = null;
  do {
    const page: Awaited<ReturnType<typeof list>> = await list({
      ...filter,
      limit: AT_A_TIME,
      after,
      onlyHere: true,
    });
    count += page.repositories.filter(act).length;
    after = page.next;
    await nextTurn();
  } while (after !== null);
  return context.json({ repositories: count }, 202);
}

/** What the audit says of the filter. */
function describe({ state, installationId, name }: RepositoryFilter): string {
  const parts = [
    state === null ? "" : `state ${state}`,
    installationId === null ? "" : `installation ${installationId}`,
    name === null ? "" : `name ${name}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "every repository" : parts.join(", ");
}
