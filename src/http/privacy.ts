import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";

const CHANNEL = "http.server.request.start";
const CREDENTIALS = ["authorization", "proxy-authorization", "cookie"];

/**
 * Takes credentials off `request.headers` of every HTTP server of this process before any handler
 * runs: Probot's request log prints all of them at info. `rawHeaders`, which Hono's adapter reads,
 * stays whole.
 * @returns a function that ends it.
 */
export function hideCredentials(): () => void {
  const hide = (message: unknown) => {
    const { headers } = (message as { request: IncomingMessage }).request;
    for (const name of CREDENTIALS) delete headers[name];
  };
  subscribe(CHANNEL, hide);
  return () => {
    unsubscribe(CHANNEL, hide);
  };
}
