import type { Context } from "hono";
import { isOwner, isRepositoryName } from "../base/names.js";
import { formatDuration, parseDuration } from "../base/units.js";
import { canSee } from "./caller.js";
import { problem } from "./problem.js";
import type { RepositoryView } from "./view.js";

/** Finds a repository by its name in any case; null when it is not managed. */
export type Lookup = (owner: string, name: string) => RepositoryView | null;

/** Returns the repository that the path names, or the answer that explains why there is none. */
export function find(context: Context, get: Lookup): RepositoryView | Response {
  const { owner = "", name = "" } = context.req.param() as { owner?: string; name?: string };
  if (!isOwner(owner) || !isRepositoryName(name)) {
    return badRequest("GitHub does not allow this repository name", "write it as owner/name, without .git");
  }
  const remedy = "check the name and REPOSITORIES, and that the App is installed there";
  // Before anything depends on what exists: a hidden repository is answered like one that does not exist, and as fast.
  const found = canSee(context, { owner, name }) ? get(owner, name) : null;
  return found ?? notFound("the repository is not managed", remedy);
}

const MAX_WAIT_MS = 600_000;

/**
 * Parses `?wait=30s` to milliseconds, 0 when absent, or returns the answer that explains what is wrong with
 * it.
 */
export function findWait(context: Context): number | Response {
  const wait = context.req.query("wait");
  const ms = wait === undefined ? 0 : parseDuration(wait);
  if (ms !== null && ms <= MAX_WAIT_MS) return ms;
  return badRequest(
    "the value of wait is not a duration",
    `write it as 30s, up to ${formatDuration(MAX_WAIT_MS)}`,
  );
}

export const badRequest = (detail: string, remedy: string) =>
  problem({ status: 400, reason: "bad_request", detail, remedy });

export const notFound = (detail: string, remedy: string) =>
  problem({ status: 404, reason: "not_found", detail, remedy });

/** Answers a client that has closed its connection: nobody reads it, and nothing is looked up for it. */
export const gone = (): Response => new Response(null, { status: 499 });

/** The request conflicts with the present state. */
export const conflict = (reason: string, detail: string, remedy: string) =>
  problem({ status: 409, reason, detail, remedy });

/** Returns the reason why no refresh can be requested; null when one can. */
export function refreshRefusal(repository: RepositoryView): Response | null {
  const { state, pausedAt } = repository;
  if (state === "gone" || state === "retired") return notManaged(repository);
  if (pausedAt === null) return null;
  return conflict("paused", "the repository is paused", "resume it first: POST …/resume");
}

/** The repository is no longer listed by GitHub. */
export const notManaged = ({ state }: RepositoryView) =>
  conflict(state, `the repository is ${state}`, "restore the App's access to it, or check REPOSITORIES");
