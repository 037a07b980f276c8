import type { Context } from "hono";
import { z } from "zod";
import { isSha } from "../base/names.js";
import { badRequest, conflict, find, findWait, gone, type Lookup, notFound } from "./lookup.js";
import { problem } from "./problem.js";
import { Named, type Route, type Routes, WaitQuery } from "./routes.js";
import type { RepositoryView } from "./view.js";

/** The place where a commit is searched: the mirror's refs, or the published trees. */
export type Place = "mirror" | "checkout";

export interface ContainsPorts {
  get: Lookup;
  /**
   * Whether the object's commit is there, now or within `ms` milliseconds; a refresh is requested meanwhile.
   */
  contains(id: number, sha: string, place: Place, ms: number, signal: AbortSignal): Promise<boolean>;
}

const GONE = ["gone", "retired"];

const CONTAINS: Route = {
  method: "get",
  path: "/api/v1/repos/{owner}/{name}/contains/{sha}",
  summary: "Whether a commit is in the mirror; responds as soon as it is",
  query: { wait: WaitQuery, in: z.enum(["mirror", "checkout"]).optional() },
  answers: { 200: z.object({ contains: z.literal(true), sha: z.string(), in: z.string(), ...Named }) },
  problems: [400, 404, 408, 409],
};

/** Serves scripts that need what was just pushed. */
export function addContainsRoute(routes: Routes, ports: ContainsPorts): void {
  routes.add(CONTAINS, async (context) => {
    const found = find(context, ports.get);
    if (found instanceof Response) return found;
    if (GONE.includes(found.state)) return isGone(found);
    const sha = (context.req.param("sha") ?? "").toLowerCase();
    if (!isSha(sha)) return badRequest("not a full object name", "write all 40 digits: git rev-parse HEAD");
    const waitMs = findWait(context);
    if (waitMs instanceof Response) return waitMs;
    const place = context.req.query("in") ?? "mirror";
    if (place !== "mirror" && place !== "checkout")
      return badRequest("the value of in is unknown", "use mirror or checkout");
    const paused = found.pausedAt !== null;
    const { signal } = context.req.raw;
    const there = await ports.contains(found.id, sha, place, paused ? 0 : waitMs, signal);
    if (signal.aborted) return gone();
    return there ? yes(context, found, sha, place) : paused ? isPaused() : notThere(ports.get, found, place);
  });
}

const yes = (context: Context, { id, owner, name }: RepositoryView, sha: string, place: Place) =>
  context.json({ contains: true, sha, in: place, id, owner, name });

const isPaused = () =>
  conflict("paused", "the commit is not there, and the repository is paused", "POST …/resume");

const WHOLE = "wait longer; check that the commit is pushed and that REFSPECS includes its ref";
const shallow = (depth: number) =>
  `wait longer; check that the commit is pushed: the mirror is shallow and has only the last ${depth} commits of published refs`;

const isGone = ({ state }: RepositoryView) =>
  notFound(`the repository is ${state}`, "restore the App's access to it");

function notThere(get: Lookup, { owner, name, depth }: RepositoryView, place: Place): Response {
  const now = get(owner, name);
  if (now && GONE.includes(now.state)) return isGone(now);
  const error = now?.lastError;
  const where = place === "mirror" ? "no mirrored ref contains it" : "no published tree contains it";
  return problem({
    status: 408,
    reason: "not_there",
    detail: error ? `${where}; ${error.code}: ${error.message}` : where,
    remedy: error?.hint ?? (depth === null ? WHOLE : shallow(depth)),
  });
}
