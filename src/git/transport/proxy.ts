import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { asRefreshError, RefreshError } from "../../base/errors.js";
import { fullName } from "../../base/names.js";
import { readUpTo } from "../../base/read-up-to.js";
import type { Adverts } from "./advert.js";
import { type LeaseState, noteServedAt, type RefsQuestion } from "./lease.js";
import { lsRefsRequest, readLsRefs } from "./ls-refs.js";
import type { ReadLimits } from "./read-limits.js";
import { BARE_ADVERT, isUnwritten, NO_REFS } from "./unwritten.js";
import {
  asNetworkError,
  statusError,
  type Target,
  type Upstream,
  type UpstreamAnswer,
  type UpstreamRequest,
} from "./upstream.js";

/** The objects that git's requests are answered with. */
export interface GitProxy {
  /** GitHub's origin, such as https://github.com. */
  origin: string;
  upstream: Upstream;
  adverts: Adverts;
  /** The open leases, by the key that git sends. */
  leases: Map<string, LeaseState>;
  reads: ReadLimits;
}

/** The wants and haves of a fetch; 64 MiB is more than a million refs. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

/** Answers one request. Never throws: a failure is recorded in the lease, and git sees a broken answer. */
export function answerGit(proxy: GitProxy, req: IncomingMessage, res: ServerResponse): void {
  const lease = proxy.leases.get(String(req.headers["x-lockstep-key"]));
  const send = lease && route(req, lease.target);
  if (!lease || !send) return void res.writeHead(lease ? 404 : 403).end();
  send(proxy, lease, req, res).catch((error: unknown) => {
    lease.failure ??= asRefreshError(error);
    proxy.adverts.drop();
    if (res.headersSent) res.destroy();
    else res.writeHead(502).end();
  });
}

/** @param rest without a leading slash; empty: the repository itself */
export const pathOf = (target: Target, rest: string) => `/${fullName(target)}.git${rest && `/${rest}`}`;

/** @returns the function that answers the request; null: the request is not allowed */
function route(req: IncomingMessage, target: Target): typeof sendPack | null {
  if (req.method === "GET" && req.url === pathOf(target, "info/refs?service=git-upload-pack"))
    return sendAdvert;
  if (req.method === "POST" && req.url === pathOf(target, "git-upload-pack")) return sendPack;
  return null;
}

async function sendAdvert(
  { adverts }: GitProxy,
  lease: LeaseState,
  _req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const advert = await adverts.get(lease.target, lease.abort.signal).catch(async (error: unknown) => {
    if (await isUnwritten(lease, error)) return { body: BARE_ADVERT, fetched: true };
    throw error;
  });
  if (advert.fetched) lease.stats.requests += 1;
  else lease.usedCachedAdvert = true;
  res.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" }).end(advert.body);
}

async function sendPack(
  proxy: GitProxy,
  lease: LeaseState,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const body = await readBody(req);
  await lease.allowed;
  const answer = await askUploadPack(proxy, lease, {
    headers: forwarded(req),
    body,
    signal: lease.abort.signal,
  }).catch(async (error: unknown) => {
    if (await isUnwritten(lease, error)) return null;
    throw error;
  });
  if (answer === null) return void res.writeHead(200, { "content-type": ANSWER_TYPE }).end(NO_REFS);
  res.writeHead(200, pick(answer.headers, ["content-type", "content-encoding", "cache-control"]));
  await pipeline(answer.body, res).catch((error: unknown) => {
    throw asNetworkError(error, proxy.origin);
  });
}

type UploadPackCall = Pick<UpstreamRequest, "headers" | "signal"> & { body: Buffer };

/** Sends one request to the repository's upload-pack. @returns GitHub's answer, with status 200 */
export async function askUploadPack(
  { upstream, adverts, reads }: GitProxy,
  lease: LeaseState,
  { headers, body, signal }: UploadPackCall,
): Promise<UpstreamAnswer> {
  const { target, readFor } = lease;
  await reads.take(target, signal, readFor);
  const answer = await upstream.send({
    path: pathOf(target, "git-upload-pack"),
    method: "POST",
    headers,
    body,
    installationId: target.installationId,
    signal,
  });
  lease.stats.requests += 1;
  noteServedAt(lease, answer.headers.date);
  if (answer.statusCode !== 200) {
    await answer.body.dump();
    throw statusError(answer, { kind: "git", host: upstream.host }, upstream.name);
  }
  const type = answer.headers["content-type"];
  // The page of a proxy or of a network's sign-in is no answer of git's; git would take it for a broken connection.
  if (type !== undefined && type !== ANSWER_TYPE) {
    await answer.body.dump();
    throw new RefreshError(
      "upstream_error",
      `${upstream.name}'s git server answered 200 with something other than git's protocol`,
      { resource: { kind: "git", host: upstream.host } },
    );
  }
  answer.body.on("data", (chunk: Buffer) => {
    lease.stats.bytes += chunk.length;
  });
  adverts.used();
  return answer;
}

/** https://git-scm.com/docs/http-protocol#_smart_service_git_upload_pack */
const ANSWER_TYPE = "application/x-git-upload-pack-result";

/** The headers of a request that Lockstep makes itself, in protocol version 2. */
export const OWN_HEADERS = {
  "content-type": "application/x-git-upload-pack-request",
  accept: ANSWER_TYPE,
  "git-protocol": "version=2",
  "user-agent": "git/2.0 (lockstep)",
};

/**
 * Asks GitHub for refs in one request, without a git process.
 * @throws RefreshError
 */
export async function askForRefs(
  proxy: GitProxy,
  lease: LeaseState,
  { prefixes, isWanted }: RefsQuestion,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const attempt = async () => {
    try {
      const body = lsRefsRequest(prefixes);
      const answer = await askUploadPack(proxy, lease, { headers: OWN_HEADERS, body, signal });
      return await readLsRefs(answer.body, isWanted);
    } catch (error) {
      if (await isUnwritten(lease, error)) return new Map<string, string>();
      throw asNetworkError(error, proxy.origin);
    }
  };
  try {
    return await attempt();
  } catch (error) {
    proxy.adverts.drop();
    const failure = asRefreshError(error);
    // A single odd answer is asked for again at once, as git's requests are.
    if (failure.code !== "upstream_error" || failure.retry.kind === "after" || signal.aborted) throw failure;
  }
  return attempt();
}

function forwarded(req: IncomingMessage): Record<string, string> {
  const names = [
    "content-type",
    "content-encoding",
    "accept",
    "accept-encoding",
    "git-protocol",
    "user-agent",
  ];
  return pick(req.headers, names);
}

function pick(headers: Record<string, unknown>, names: string[]): Record<string, string> {
  const present = names.filter((name) => typeof headers[name] === "string");
  return Object.fromEntries(present.map((name) => [name, headers[name] as string]));
}

/**
 * The body is held in memory so that it can be sent a second time, with a renewed token or on a new
 * connection.
 */
async function readBody(req: IncomingMessage): Promise<Buffer> {
  const body = await readUpTo(req, MAX_REQUEST_BYTES);
  if (body === null) throw new RefreshError("git", "git's request is larger than 64 MiB");
  return body;
}
