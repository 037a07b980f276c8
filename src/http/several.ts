import type { Context } from "hono";
import { z } from "zod";
import { nextTurn } from "../base/slices.js";
import { noteDetail } from "./audit.js";
import { callerOf } from "./caller.js";
import { type OtherNodes, wasForwarded } from "./elsewhere.js";
import type { EventsOfNodes } from "./gathered-events.js";
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

const Missing = z
  .array(z.string())
  .optional()
  .meta({ description: "nodes of the cluster that have not answered, and have done nothing" });
const Asked = z.object({
  repositories: z.number().int().meta({
    description: "how many repositories this has been done to; in a cluster each owner's copy counts",
  }),
  missing: Missing,
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
      missing: Missing,
    }),
  },
};

/**
 * Actions on many repositories in one call. In a cluster each node that is alive does its part.
 * @param nodes null: this Lockstep is alone
 */
export function addSeveralRoutes(routes: Routes, ports: SeveralPorts, nodes: Others | null): void {
  const onEach = async (context: Context, act: (one: RepositoryView) => boolean) => {
    const count = await actOnEach(context, ports, act);
    if (count instanceof Response) return count;
    const { parts, missing } = await askOthers(context, nodes);
    const counts = parts.map((part) => Asked.safeParse(part).data?.repositories ?? 0);
    const repositories = counts.reduce((sum, one) => sum + one, count);
    return context.json({ repositories, ...missing }, 202);
  };
  routes.add(REFRESH, (context) =>
    onEach(context, (one) => {
      if (refreshRefusal(one)) return false;
      ports.refresh(one.id);
      return true;
    }),
  );
  routes.add(RESUME, (context) =>
    onEach(context, ({ id, pausedAt }) => {
      if (pausedAt === null) return false;
      ports.resume(id);
      return true;
    }),
  );
  routes.add(PASS, async (context) => {
    // Whoever asks for a pass wants to know how things are now.
    if (!wasForwarded(context)) await nodes?.outdateReads();
    const begun = ports.beginPass();
    const { missing } = await askOthers(context, nodes);
    return context.json({ begun, ...missing }, 202);
  });
}

export interface PassPorts {
  /** What nodes have read from GitHub for each other counts no longer. Never throws. */
  outdateReads(): Promise<void>;
}

type Others = Pick<OtherNodes, "send"> & PassPorts & { events: Pick<EventsOfNodes, "others"> };

/** Has the other nodes do their part of what a client asks for; what a node has passed on goes no further. */
async function askOthers(context: Context, nodes: Others | null) {
  if (!nodes || wasForwarded(context)) return { parts: [], missing: {} };
  const { pathname, search } = new URL(context.req.url);
  const request = {
    method: "POST",
    path: pathname + search,
    headers: context.req.raw.headers,
    body: new Uint8Array(),
  };
  // Only a caller that may know of every repository gets here.
  const about = { caller: callerOf(context), fullName: "", signal: context.req.raw.signal };
  const answers = await Promise.all(
    nodes.events.others().map(async (name) => {
      const answer = await nodes.send(name, request, about);
      return { name, part: answer?.ok ? await answer.json().catch(() => null) : null };
    }),
  );
  const silent = answers.flatMap(({ name, part }) => (part === null ? name : []));
  return { parts: answers.map(({ part }) => part), missing: silent.length > 0 ? { missing: silent } : {} };
}

/** @param act returns whether it has done something @returns how often; or what is wrong with the filter */
async function actOnEach(
  context: Context,
  { list }: SeveralPorts,
  act: (one: RepositoryView) => boolean,
): Promise<number | Response> {
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
  return count;
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
