import { isOwner, isRepositoryName } from "../base/names.js";
import { Refusal } from "./refusal.js";

/** A request that may be served, once the reader's rights are known. */
export interface Route {
  /**
   * - refs, pack: git's protocol
   * - branch, format: the two answers of GitHub's REST API that actions/checkout needs
   * - batch: where objects of Git LFS can be downloaded
   * - object: one object of Git LFS
   */
  act: "refs" | "pack" | "branch" | "format" | "batch" | "object";
  owner: string;
  name: string;
}

const PATH = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;

/** Where actions/checkout looks for the REST API of any server but github.com. */
const API_PATH = /^\/api\/v3\/repos\/([^/]+)\/([^/]+?)(\/hash-algorithm)?$/;

/** @param origin what the reader calls this server, for the remedy */
const pushRefused = (origin: string): Refusal =>
  new Refusal(
    403,
    `Lockstep serves mirrors for reading alone. Push to GitHub:\n` +
      `  git config --global url.https://github.com/.pushInsteadOf ${origin}/`,
  );

/** Git LFS's API: https://github.com/git-lfs/git-lfs/tree/main/docs/api */
const LFS_PATH =
  /^\/([^/]+)\/([^/]+?)(?:\.git)?\/info\/lfs\/(?:(locks)(?:\/.*)?|objects\/(batch|[0-9a-f]{64}))$/;

const NO_LOCKS = new Refusal(
  403,
  "Lockstep serves mirrors for reading alone: ask GitHub for locks. " +
    "With url.https://github.com/.pushInsteadOf a push asks there.",
);

const NOT_FOUND = new Refusal(404, "not found");

/**
 * Says what a request asks for, by its method and address alone. Nothing here depends on what exists.
 * @throws Refusal 403 for a push and for git's dumb protocol, 404, 405
 */
export function routeOf(method: string, url: string, origin: string): Route {
  const [path = "", query = ""] = url.split("?", 2);
  const api = API_PATH.exec(path);
  if (api) return apiRoute(method, api);
  const lfs = LFS_PATH.exec(path);
  if (lfs) return lfsRoute(method, lfs);
  const [, owner = "", name = "", rest] = PATH.exec(path) ?? [];
  if (!isOwner(owner) || !isRepositoryName(name)) throw NOT_FOUND;
  const service = rest === "info/refs" ? new URLSearchParams(query).get("service") : rest;
  if (service === "git-receive-pack") throw pushRefused(origin);
  if (service !== "git-upload-pack")
    throw new Refusal(403, "git's dumb protocol is not served: use git 1.6.6 or newer");
  if (rest === "info/refs") return act("refs", { owner, name }, method === "GET");
  return act("pack", { owner, name }, method === "POST");
}

function apiRoute(method: string, [, owner = "", name = "", format]: RegExpExecArray): Route {
  if (!isOwner(owner) || !isRepositoryName(name)) throw NOT_FOUND;
  return act(format === undefined ? "branch" : "format", { owner, name }, method === "GET");
}

function lfsRoute(method: string, [, owner = "", name = "", locks, object]: RegExpExecArray): Route {
  if (!isOwner(owner) || !isRepositoryName(name)) throw NOT_FOUND;
  if (locks !== undefined) throw NO_LOCKS;
  if (object === "batch") return act("batch", { owner, name }, method === "POST");
  return act("object", { owner, name }, method === "GET");
}

function act(what: Route["act"], name: Omit<Route, "act">, isAllowed: boolean): Route {
  if (!isAllowed) throw new Refusal(405, "this method is not served here");
  return { act: what, ...name };
}
