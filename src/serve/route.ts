import { isOwner, isRepositoryName } from "../base/names.js";
import { Refusal } from "./refusal.js";

/** A request that may be served, once the reader's rights are known. */
export interface Route {
  act: "refs" | "pack";
  owner: string;
  name: string;
}

const PATH = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;

/** @param origin what the reader calls this server, for the remedy */
const pushRefused = (origin: string): Refusal =>
  new Refusal(
    403,
    `Lockstep serves mirrors for reading alone. Push to GitHub:\n` +
      `  git config --global url.https://github.com/.pushInsteadOf ${origin}/`,
  );

const NOT_FOUND = new Refusal(404, "not found");

/**
 * Says what a request asks for, by its method and address alone. Nothing here depends on what exists.
 * @throws Refusal 403 for a push and for git's dumb protocol, 404, 405
 */
export function routeOf(method: string, url: string, origin: string): Route {
  const [path = "", query = ""] = url.split("?", 2);
  const [, owner = "", name = "", rest] = PATH.exec(path) ?? [];
  if (!isOwner(owner) || !isRepositoryName(name)) throw NOT_FOUND;
  const service = rest === "info/refs" ? new URLSearchParams(query).get("service") : rest;
  if (service === "git-receive-pack") throw pushRefused(origin);
  if (service !== "git-upload-pack")
    throw new Refusal(403, "git's dumb protocol is not served: use git 1.6.6 or newer");
  if (rest === "info/refs") return act("refs", { owner, name }, method === "GET");
  return act("pack", { owner, name }, method === "POST");
}

function act(what: Route["act"], name: Omit<Route, "act">, isAllowed: boolean): Route {
  if (!isAllowed) throw new Refusal(405, "this method is not served here");
  return { act: what, ...name };
}
