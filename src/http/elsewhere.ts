import type { Context, MiddlewareHandler } from "hono";
import type { Caller } from "../base/access.js";
import type { RepositoryName } from "../base/model.js";
import { fullName, isOwner, isRepositoryName } from "../base/names.js";
import { readUpTo } from "../base/read-up-to.js";
import { tooLarge } from "./body.js";
import { callerOf, canSee } from "./caller.js";
import { problem } from "./problem.js";

/** A request of the API that other nodes may answer. */
export interface PassedRequest {
  method: string;
  /** The path with its query. */
  path: string;
  headers: Headers;
  body: Uint8Array;
}

/** The other nodes of a cluster. */
export interface OtherNodes {
  /**
   * Returns who has sent the request to the node that passed it on here; null: no node passed it on.
   * @param readBody is called only for what a node has signed
   */
  forwardedBy(
    request: Omit<PassedRequest, "body">,
    readBody: () => Promise<Uint8Array | null>,
  ): Promise<Caller | null>;
  /** Returns the nodes that can answer for the repository, the best first; "here": this node answers. */
  nodesFor(name: RepositoryName, request: { isPassedOn: boolean }): readonly string[] | "here";
  /** @returns null: that node cannot answer */
  send(
    node: string,
    request: PassedRequest,
    about: { caller: Caller; fullName: string; signal: AbortSignal },
  ): Promise<Response | null>;
}

/** The header by which a node says who has asked it. */
export const FORWARDED = "x-lockstep-forwarded";
const WAS_FORWARDED = "wasForwarded";

/** Returns the caller that another node vouches for; null: the request comes from a client. */
export async function findForwarded(context: Context, nodes: OtherNodes): Promise<Caller | null> {
  if (context.req.header(FORWARDED) === undefined) return null;
  const caller = await nodes.forwardedBy(headOf(context), () => readBody(context));
  if (caller) context.set(WAS_FORWARDED, true);
  return caller;
}

interface Options {
  /** Answers when no node that has the repository does. */
  onAway?(context: Context): Response | Promise<Response>;
}

/** Whether another node has passed the request on, and vouches for who has sent it. */
export const wasForwarded = (context: Context): boolean => context.get(WAS_FORWARDED) === true;

/**
 * Has a node answer that has the repository. What was passed on once is answered here, or by nobody. A repository may move
 * to another node while this one answers, during a wait for example; then the other one is asked.
 */
export function answerElsewhere(nodes: OtherNodes, { onAway = away }: Options = {}): MiddlewareHandler {
  return async (context, next) => {
    const name = nameIn(context.req.path);
    if (name === null || !canSee(context, name)) return next();
    const isPassedOn = context.get(WAS_FORWARDED) === true;
    const found = nodes.nodesFor(name, { isPassedOn });
    if (found !== "here")
      return isPassedOn ? misdirected() : askOthers(context, nodes, { name, found, onAway });
    await next();
    if (context.res.status !== 404) return;
    const now = nodes.nodesFor(name, { isPassedOn });
    if (now === "here") return;
    const answer = isPassedOn ? misdirected() : await askOthers(context, nodes, { name, found: now, onAway });
    // Hono adds the headers of an earlier answer to a later one.
    context.res = undefined;
    context.res = answer;
  };
}

async function askOthers(
  context: Context,
  nodes: OtherNodes,
  { name, found, onAway }: Required<Options> & { name: RepositoryName; found: readonly string[] },
): Promise<Response> {
  const body = await readBody(context);
  if (body === null) return problem(tooLarge(MAX_BODY));
  const request = { ...headOf(context), body };
  const about = { caller: callerOf(context), fullName: fullName(name), signal: context.req.raw.signal };
  for (const node of found) {
    const answer = await nodes.send(node, request, about);
    if (answer) return answer;
  }
  return onAway(context);
}

function nameIn(path: string): RepositoryName | null {
  const [, owner = "", name = ""] = /^(?:\/api\/v1)?\/repos\/([^/]+)\/([^/]+)(?:\/|$)/.exec(path) ?? [];
  return isOwner(owner) && isRepositoryName(name) ? { owner, name } : null;
}

/** No call about a repository has a longer body, in bytes. */
const MAX_BODY = 64 * 1024;

function headOf({ req }: Context): Omit<PassedRequest, "body"> {
  const { pathname, search } = new URL(req.url);
  return { method: req.method, path: pathname + search, headers: req.raw.headers };
}

/** Handlers read the body again from where Hono keeps it. @returns null: it is too long, or was cut off */
async function readBody({ req }: Context): Promise<Uint8Array | null> {
  const kept = req.bodyCache.arrayBuffer;
  if (kept) return new Uint8Array(await kept);
  const { body } = req.raw;
  if (body === null) return new Uint8Array();
  const read = await readUpTo(body, MAX_BODY).catch(() => null);
  if (read === null) return null;
  const bytes = new Uint8Array(read);
  Object.assign(req.bodyCache, { arrayBuffer: Promise.resolve(bytes.buffer) });
  return bytes;
}

const misdirected = () =>
  problem({
    status: 421,
    reason: "owned_elsewhere",
    detail: "another node has the repository",
    remedy: "the nodes of the cluster try the next one",
  });

const away = () =>
  problem({
    status: 503,
    reason: "node_away",
    detail: "no node that has the repository answers",
    remedy: "see lockstep nodes; after NODE_TIMEOUT other nodes take the repository over",
    headers: { "retry-after": "30" },
  });
