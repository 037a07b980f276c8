import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";

const CHANNEL = "http.server.request.start";
const CREDENTIALS = ["authorization", "proxy-authorization", "cookie"];

/**
 * Removes credentials from `request.headers` in every HTTP server of this process, before any handler runs,
 * because Probot's logger of a request is given all headers. `rawHeaders`, which Hono's adapter reads, stays
 * complete.
 * @returns a function that stops the removal
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
