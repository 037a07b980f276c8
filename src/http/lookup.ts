import type { Context } from "hono";
import { isOwner, isRepositoryName } from "../base/names.js";
import { formatDuration, parseDuration } from "../base/units.js";
import { problem } from "./problem.js";
import type { RepositoryView } from "./view.js";

/** By name, in any case; null: not managed. */
export type Lookup = (owner: string, name: string) => RepositoryView | null;

/** The repository that the path names, or why there is none. */
export function find(context: Context, get: Lookup): RepositoryView | Response {
  const { owner = "", name = "" } = context.req.param() as { owner?: string; name?: string };
  if (!isOwner(owner) || !isRepositoryName(name)) {
    return badRequest("GitHub does not allow this repository name", "write it as owner/name, without .git");
  }
  const remedy = "check the name and REPOSITORIES, and that the App is installed there";
  return get(owner, name) ?? notFound("the repository is not managed", remedy);
}

const MAX_WAIT_MS = 600_000;

/** `?wait=30s` in milliseconds, 0 without it, or why it cannot be. */
export function findWait(context: Context): number | Response {
  const wait = context.req.query("wait");
  const ms = wait === undefined ? 0 : parseDuration(wait);
  if (ms !== null && ms <= MAX_WAIT_MS) return ms;
  return badRequest("wait is not a duration", `write it as 30s, up to ${formatDuration(MAX_WAIT_MS)}`);
}

export const badRequest = (detail: string, remedy: string) =>
  problem({ status: 400, reason: "bad_request", detail, remedy });

export const notFound = (detail: string, remedy: string) =>
  problem({ status: 404, reason: "not_found", detail, remedy });

/** What is asked for does not fit the state of things. */
export const conflict = (reason: string, detail: string, remedy: string) =>
  problem({ status: 409, reason, detail, remedy });

/** Why no refresh of it can be asked for; null: one can. */
export function refreshRefusal(repository: RepositoryView): Response | null {
  const { state, pausedAt } = repository;
  if (state === "gone" || state === "retired") return notManaged(repository);
  if (pausedAt === null) return null;
  return conflict("paused", "the repository is paused", "resume it first: POST …/resume");
}

/** GitHub no longer lists it. */
export const notManaged = ({ state }: RepositoryView) =>
  conflict(state, `the repository is ${state}`, "restore the App's access to it, or check REPOSITORIES");
