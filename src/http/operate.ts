import type { Context } from "hono";
import { z } from "zod";
import { conflict, find, type Lookup, notFound, notManaged } from "./lookup.js";
import { NodeQuery, onlyHere } from "./paging.js";
import type { Route, Routes } from "./routes.js";
import { type InstallationView, Status, type StatusView } from "./status-view.js";
import { Repository, type RepositoryView } from "./view.js";

export type { InstallationView, StatusView } from "./status-view.js";

export interface OperatePorts {
  get: Lookup;
  /** Pauses the repository; null when its state does not allow that. */
  pause(id: number): void;
  resume(id: number): void;
  installation(id: number): InstallationView | null | Promise<InstallationView | null>;
  /** @returns the number of repositories that are marked gone */
  confirmRemoval(installationId: number): number | Promise<number>;
  /** @param query.onlyHere of a cluster: the state of the node that is asked */
  status(query?: { onlyHere?: boolean }): StatusView | Promise<StatusView>;
}

const Paused = z.object({ paused: z.boolean(), repository: Repository });
const PAUSE: Route = {
  method: "post",
  path: "/api/v1/repos/{owner}/{name}/pause",
  summary: "Stop refreshing a repository until it is resumed",
  answers: { 200: Paused },
  problems: [400, 404, 409],
};
const RESUME: Route = {
  method: "post",
  path: "/api/v1/repos/{owner}/{name}/resume",
  summary: "Resume a paused repository, and refresh it",
  answers: { 202: Paused },
  problems: [400, 404, 409],
};
const STATUS: Route = {
  method: "get",
  path: "/api/v1/status",
  summary: "Problems, backstop, rate limits, disk, queue",
  isOfWhole: true,
  query: { node: NodeQuery },
  answers: { 200: Status },
};
const CONFIRM: Route = {
  method: "post",
  path: "/api/v1/installations/{id}/confirm-removal",
  summary: "Confirm a held removal",
  isOfWhole: true,
  answers: { 200: z.object({ confirmed: z.literal(true), repositories: z.number().int() }) },
  problems: [404, 409],
};

/** The operator's actions other than reading and refreshing. */
export function addOperatorRoutes(routes: Routes, ports: OperatePorts): void {
  const reread = ({ owner, name }: RepositoryView) => ports.get(owner, name);

  routes.add(PAUSE, (context) => {
    const found = find(context, ports.get);
    if (found instanceof Response) return found;
    if (found.state === "gone" || found.state === "retired") return notManaged(found);
    ports.pause(found.id);
    return context.json({ paused: true, repository: reread(found) });
  });
  routes.add(RESUME, (context) => {
    const found = find(context, ports.get);
    if (found instanceof Response) return found;
    if (found.pausedAt === null) {
      return conflict("not_paused", "the repository is not paused", "nothing needs to be done");
    }
    ports.resume(found.id);
    return context.json({ paused: false, repository: reread(found) }, 202);
  });
  routes.add(STATUS, async (context) => context.json(await ports.status(onlyHere(context))));
  routes.add(CONFIRM, async (context) => {
    const held = await findHeld(context, ports);
    if (held instanceof Response) return held;
    return context.json({ confirmed: true, repositories: await ports.confirmRemoval(held.id) });
  });
}

export type Held = Pick<InstallationView, "id" | "login"> & {
  removal: NonNullable<InstallationView["heldRemoval"]>;
};

/**
 * Returns the held removal of the installation that the path names, or the answer that explains why there is
 * none.
 */
export async function findHeld(
  context: Context,
  ports: Pick<OperatePorts, "installation">,
): Promise<Held | Response> {
  const installation = await ports.installation(Number(context.req.param("id")));
  if (!installation)
    return notFound(
      "no such installation",
      "list them with `lockstep installations`, or GET /api/v1/installations",
    );
  const { id, login, heldRemoval: removal } = installation;
  if (removal) return { id, login, removal };
  return conflict("nothing_held", "this installation has no held removal", "nothing needs to be done");
}
