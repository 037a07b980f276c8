import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from "undici";
import { type ErrorCode, networkError, RefreshError } from "../../base/errors.js";
import type { Resource } from "../../base/resources.js";
import { parseRetryAfter } from "../../base/retry-after.js";

/** GitHub's git servers keep an idle connection open for about a minute. */
const KEEP_ALIVE_MS = 55_000;
/** An answer without a byte for this long is abandoned. */
const STALL_MS = 60_000;

/** The repository that a git process may access, and the installation whose token is used. */
export interface Target {
  /** null: no token is sent, for public repositories. */
  installationId: number | null;
  owner: string;
  name: string;
}

export interface UpstreamRequest {
  path: string;
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: Buffer;
  installationId: number | null;
  signal: AbortSignal;
}

export type UpstreamAnswer = Dispatcher.ResponseData;

/** Whose git server is asked, as messages call it. */
export interface Peer {
  name: string;
  /** Whether HTTPS_PROXY and NO_PROXY say how it is reached. */
  isBehindProxy: boolean;
}

export const GITHUB: Peer = { name: "GitHub", isBehindProxy: true };

export interface Upstream {
  /** Such as `GitHub`. */
  name: string;
  /** Its host, such as github.com. */
  host: string;
  /** Sends one request with the installation's token, over a warm connection. @throws RefreshError */
  send(call: UpstreamRequest): Promise<UpstreamAnswer>;
  /** Gets any other URL of Git LFS, without the token. @throws RefreshError */
  get(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<UpstreamAnswer>;
  close(): Promise<void>;
}

export type TokenSource = (installationId: number, fresh: boolean) => Promise<string>;

/** @param origin such as https://github.com; NODE_EXTRA_CA_CERTS is honoured */
export function createUpstream(origin: string, token: TokenSource, peer: Peer = GITHUB): Upstream {
  const dispatcher = new (peer.isBehindProxy ? EnvHttpProxyAgent : Agent)({
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: STALL_MS,
    bodyTimeout: STALL_MS,
    connect: { timeout: 10_000 },
  });

  const { host } = new URL(origin);

  async function credentials(installationId: number | null, fresh: boolean) {
    if (installationId === null) return {};
    const secret = Buffer.from(`x-access-token:${await token(installationId, fresh)}`);
    return { authorization: `Basic ${secret.toString("base64")}` };
  }

  async function attempt(call: UpstreamRequest, { freshToken = false } = {}): Promise<UpstreamAnswer> {
    return request(origin + call.path, {
      dispatcher,
      method: call.method,
      headers: { ...call.headers, ...(await credentials(call.installationId, freshToken)) },
      ...(call.body === undefined ? {} : { body: call.body }),
      signal: call.signal,
    });
  }

  return {
    name: peer.name,
    host,
    async send(call) {
      const answer = await attempt(call).catch((error: unknown) => {
        // The other side may have just closed the idle connection, so the request is sent once more on a new
        // one.
        if (call.signal.aborted || !isReset(error)) throw asNetworkError(error, origin);
        return attempt(call).catch((secondError: unknown) => {
          throw asNetworkError(secondError, origin);
        });
      });
      if (answer.statusCode !== 401 || call.installationId === null) return answer;
      await answer.body.dump();
      // GitHub's replicas may not know a newly minted token yet, or the token was revoked early.
      return attempt(call, { freshToken: true }).catch((error: unknown) => {
        throw asNetworkError(error, origin);
      });
    },
    get: (url, headers, signal) =>
      request(url, { dispatcher, headers, signal }).catch((error: unknown) => {
        throw asNetworkError(error, new URL(url).origin, "lfs");
      }),
    close: () => dispatcher.destroy(),
  };
}

const errorCode = (error: unknown): string => String((error as { code?: unknown })?.code ?? "");

const isReset = (error: unknown) => /ECONNRESET|EPIPE|UND_ERR_SOCKET/.test(errorCode(error));

/** @param kind what was asked for */
export const asNetworkError = (error: unknown, origin: string, kind: "git" | "lfs" = "git"): RefreshError =>
  error instanceof RefreshError
    ? error
    : networkError(origin, { code: errorCode(error), resource: { kind, host: new URL(origin).host } }, error);

/**
 * Says what an HTTP status of a git server means.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export function statusError(
  answer: { statusCode: number; headers: Record<string, unknown> },
  resource: Resource,
  name = GITHUB.name,
): RefreshError {
  const { statusCode: status, headers } = answer;
  const retryAfterMs = parseRetryAfter(headers["retry-after"]);
  const waits = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new RefreshError(
    codeOf(status, retryAfterMs !== undefined),
    `${name}'s git server answered ${status}`,
    { ...waits, resource },
  );
}

function codeOf(status: number, asksToWait: boolean): ErrorCode {
  if (status === 429 || (status === 403 && asksToWait)) return "rate_limited";
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  if (status === 404 || status === 410) return "not_found";
  if (status >= 300 && status < 400) return "moved";
  return "upstream_error";
}
