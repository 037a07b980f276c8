import type { IncomingMessage, ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import type { Log, LogDetails } from "../base/log.js";

/** Their 503 is an answer, not a failure; problems have log lines of their own. */
const HEALTH_CHECKS = new Set(["/healthz", "/readyz", "/freshz"]);

/** pino-http, which Probot uses, gives each request a logger, and writes to it when the answer has been sent. */
type Logged = IncomingMessage & { id?: unknown; log?: { info?: unknown } };

/**
 * Replaces Probot's log line about this request, which has every header, by a short one: a warning when the server
 * failed, otherwise at debug. Queries are left out, because they can contain secrets.
 */
export function logRequest(
  request: Logged,
  response: ServerResponse,
  log: Pick<Log, "debug" | "warn"> | undefined,
): void {
  if (!log || !request.log) return;
  const began = performance.now();
  const method = String(request.method);
  const path = pathOf(String(request.url));
  request.log.info = () => {
    const { statusCode: status } = response;
    const details: LogDetails = {
      event: "request_answered",
      method,
      path,
      status,
      durationMs: Math.round(performance.now() - began),
      requestId: String(request.id).slice(0, 100),
      from: request.socket.remoteAddress,
      ...(!response.writableFinished && { isWhole: false }),
    };
    const level = status >= 500 && !HEALTH_CHECKS.has(path) ? "warn" : "debug";
    log[level](details, `${method} ${path} ${status}`);
  };
}

const MAX_PATH = 500;

const pathOf = (url: string): string => url.split("?", 1)[0]!.slice(0, MAX_PATH);
