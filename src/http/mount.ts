import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Log } from "../base/log.js";
import { putBefore } from "./first-listener.js";
import type { Handler } from "./handler.js";
import { logRequest } from "./request-log.js";

/**
 * How long an idle connection stays open: longer than in any balancer, which would otherwise send a delivery into a
 * connection that is just being closed, and answer GitHub with 502. The longest known is Google's, with 600 s:
 * https://cloud.google.com/load-balancing/docs/https#timeout-keepalive-backends. Node's own value is 5 s.
 */
const KEEP_ALIVE_MS = 620_000;
/** Node closes a connection that has sent no request yet after this time. */
const HEADERS_MS = KEEP_ALIVE_MS + 10_000;

/**
 * Replaces the webhook middleware of a Probot instance, which is the first handler of its server. Probot's
 * own is thereby never reached: it accepts deliveries signed with "development" while no secret is set, and
 * reads bodies without limit.
 * @param app the instance, before its server starts
 * @param handlers asked in order; requests that none of them answers go on to Probot's own pages and 404
 * @param log where requests are logged; null: where Probot logs them
 */
export function mount(
  app: { getNodeMiddleware: unknown },
  handlers: readonly Handler[],
  log: Pick<Log, "debug" | "warn"> | null = null,
): void {
  const known = new WeakSet<Server>();
  const soles = handlers.filter(({ isSole }) => isSole);
  app.getNodeMiddleware = async () => async (request: IncomingMessage, response: ServerResponse) => {
    const server = serverOf(request);
    if (server && !known.has(server)) {
      known.add(server);
      keepIdleConnections(server);
      if (log && soles.length > 0) putBefore(server, soles, log);
    }
    logRequest(request, response, log);
    for (const handler of handlers) {
      if (await answered(handler, request, response)) return true;
    }
    return false;
  };
}

/** Probot does not expose its server. */
const serverOf = ({ socket }: IncomingMessage): Server | undefined =>
  (socket as typeof socket & { server?: Server }).server;

/** The times of a server are read again after each answer. */
function keepIdleConnections(server: Server): void {
  Object.assign(server, { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_MS });
}

/** @throws what the handler threw, which Probot's server logs and answers with a 500 */
async function answered(handler: Handler, request: IncomingMessage, response: ServerResponse) {
  try {
    return await handler(request, response);
  } catch (error) {
    // Probot would send headers a second time, and that uncaught error would end the process.
    if (!response.headersSent) throw error;
    response.destroy();
    return true;
  }
}
