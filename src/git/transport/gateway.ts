import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import PQueue from "p-queue";
import { asRefreshError, RefreshError } from "../../base/errors.js";
import { MAX_READS_PER_SECOND } from "../../base/github-facts.js";
import { fullName } from "../../base/names.js";
import { createAdverts } from "./advert.js";
import { createLfs, type Lfs } from "./lfs.js";
import { asNetworkError, createUpstream, statusError, type Target, type TokenSource } from "./upstream.js";

/** One git process's way to one repository; it ends with `close`. */
export interface Lease {
  /** The remote's URL for git: loopback, no secret in it. */
  url: string;
  /** git configuration that carries the lease's key. */
  config: Record<string, string>;
  /** What went wrong between the gateway and GitHub; git itself only sees a broken answer. */
  failure(): RefreshError | null;
  /** GitHub's clock at the first answer, in whole seconds since 1970; null before it. */
  servedAt(): number | null;
  stats: { requests: number; bytes: number };
  /**
   * After a failure nobody can name: whether git was shown a kept advertisement, which is dropped now,
   * so that asking once more in full may help.
   */
  renewAdvert(): boolean;
  close(): void;
}

export interface Gateway {
  open(target: Target): Lease;
  /** Has a connection and the capability advertisement ready before git asks. Never throws. */
  warm(target: Target): void;
  /** Git LFS, which no git process speaks. */
  lfs: Lfs;
  close(): Promise<void>;
}

interface LeaseState {
  target: Target;
  abort: AbortController;
  failure: RefreshError | null;
  servedAt: number | null;
  sawKeptAdvert: boolean;
  stats: { requests: number; bytes: number };
}

/** Wants and haves of a fetch; 64 MiB is more than a million refs. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

/**
 * The way to GitHub. git gets an address on loopback and a key; this in-process reverse proxy forwards
 * `info/refs?service=git-upload-pack` and `git-upload-pack`, nothing else, over warm connections and
 * adds the installation token, which git never sees.
 */
export async function createGateway(origin: string, token: TokenSource): Promise<Gateway> {
  const upstream = createUpstream(origin, token);
  const adverts = createAdverts(upstream);
  const leases = new Map<string, LeaseState>();
  const reads = createReadLimits();

  const server = createServer((req, res) => {
    const lease = leases.get(String(req.headers["x-lockstep-key"]));
    const service = lease && route(req, lease.target);
    if (!lease || !service) return void res.writeHead(lease ? 404 : 403).end();
    serve(service, lease, req, res).catch((error: unknown) => {
      lease.failure ??= asRefreshError(error);
      adverts.drop();
      if (res.headersSent) res.destroy();
      else res.writeHead(502).end();
    });
  });

  async function serve(
    service: "advert" | "pack",
    lease: LeaseState,
    req: IncomingMessage,
    res: ServerResponse,
  ) {
    if (service === "advert") return sendAdvert(lease, res);
    const body = await readBody(req);
    await reads.take(lease.target, lease.abort.signal);
    const answer = await upstream.send({
      path: pathOf(lease.target, "git-upload-pack"),
      method: "POST",
      headers: forwarded(req),
      body,
      installationId: lease.target.installationId,
      signal: lease.abort.signal,
    });
    lease.stats.requests += 1;
    noteDate(lease, answer.headers.date);
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw statusError(answer);
    }
    res.writeHead(200, pick(answer.headers, ["content-type", "content-encoding", "cache-control"]));
    answer.body.on("data", (chunk: Buffer) => {
      lease.stats.bytes += chunk.length;
    });
    adverts.used();
    await pipeline(answer.body, res).catch((error: unknown) => {
      throw asNetworkError(error, origin);
    });
  }

  async function sendAdvert(lease: LeaseState, res: ServerResponse): Promise<void> {
    const advert = await adverts.get(lease.target, lease.abort.signal);
    if (advert.fetched) lease.stats.requests += 1;
    else lease.sawKeptAdvert = true;
    res.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" }).end(advert.body);
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    open(target) {
      const key = randomBytes(32).toString("hex");
      const stats = { requests: 0, bytes: 0 };
      const state: LeaseState = {
        target,
        abort: new AbortController(),
        failure: null,
        servedAt: null,
        sawKeptAdvert: false,
        stats,
      };
      leases.set(key, state);
      return {
        url: base + pathOf(target, ""),
        config: { "http.extraHeader": `X-Lockstep-Key: ${key}` },
        failure: () => state.failure,
        servedAt: () => state.servedAt,
        stats,
        renewAdvert() {
          if (!state.sawKeptAdvert) return false;
          adverts.drop();
          state.sawKeptAdvert = false;
          state.failure = null;
          return true;
        },
        close() {
          leases.delete(key);
          state.abort.abort();
        },
      };
    },
    warm: (target) => adverts.warm(target),
    lfs: createLfs(upstream, origin),
    async close() {
      for (const lease of leases.values()) lease.abort.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await upstream.close();
    },
  };
}

const pathOf = (target: Target, rest: string) => `/${fullName(target)}.git${rest && `/${rest}`}`;

function route(req: IncomingMessage, target: Target): "advert" | "pack" | null {
  if (req.method === "GET" && req.url === pathOf(target, "info/refs?service=git-upload-pack"))
    return "advert";
  if (req.method === "POST" && req.url === pathOf(target, "git-upload-pack")) return "pack";
  return null;
}

function noteDate(lease: LeaseState, date: unknown): void {
  const at = Date.parse(String(date));
  if (!Number.isNaN(at)) lease.servedAt ??= Math.floor(at / 1000);
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
  const kept = names.filter((name) => typeof headers[name] === "string");
  return Object.fromEntries(kept.map((name) => [name, headers[name] as string]));
}

/** Held in memory so that it can be sent a second time, with a renewed token or on a new connection. */
async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_REQUEST_BYTES) throw new RefreshError("git", "git's request is larger than 64 MiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A window of MAX_READS_PER_SECOND per repository; forgotten when it is idle. */
function createReadLimits() {
  const queues = new Map<string, PQueue>();
  return {
    async take(target: Target, signal: AbortSignal): Promise<void> {
      const key = fullName(target);
      let queue = queues.get(key);
      if (!queue) {
        queue = new PQueue({ intervalCap: MAX_READS_PER_SECOND, interval: 1000 });
        queues.set(key, queue);
        if (queues.size > 1000) for (const [name, other] of queues) if (isIdle(other)) queues.delete(name);
      }
      await queue.add(() => {}, { signal });
    },
  };
}

const isIdle = (queue: PQueue) => queue.size === 0 && queue.pending === 0;
