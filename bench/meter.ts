import { subscribe } from "node:diagnostics_channel";
import { appendFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";

// A process that is started with `--import` of this file notes what each request with this header costs it.
export const METERED = "x-metered";
export const METER_FILE = "METER_FILE";

const file = process.env[METER_FILE];
if (file) {
  const began = new WeakMap<IncomingMessage, NodeJS.CpuUsage>();
  // https://nodejs.org/api/diagnostics_channel.html#http
  subscribe("http.server.request.start", (message) => {
    const { request } = message as { request: IncomingMessage };
    if (METERED in request.headers) began.set(request, process.cpuUsage());
  });
  subscribe("http.server.response.finish", (message) => {
    const { request } = message as { request: IncomingMessage };
    const before = began.get(request);
    if (!before) return;
    const { user, system } = process.cpuUsage(before);
    appendFileSync(file, `${(user + system) / 1_000}\n`);
  });
}
