import { subscribe } from "node:diagnostics_channel";
import { appendFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";

// A process that is started with `--import` of this file notes the processor time that it has used, in milliseconds, before
// and after each request with this header.
export const METERED = "x-metered";
export const METER_FILE = "METER_FILE";

const file = process.env[METER_FILE];
if (file) {
  const began = new WeakMap<IncomingMessage, number>();
  const used = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  // https://nodejs.org/api/diagnostics_channel.html#http
  subscribe("http.server.request.start", (message) => {
    const { request } = message as { request: IncomingMessage };
    if (METERED in request.headers) began.set(request, used());
  });
  subscribe("http.server.response.finish", (message) => {
    const { request } = message as { request: IncomingMessage };
    const before = began.get(request);
    if (before !== undefined) appendFileSync(file, `${before} ${used()}\n`);
  });
}
