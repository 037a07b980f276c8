import type { IncomingMessage, ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import type { Log, LogDetails } from "../base/log.js";

/** Their 503 is an answer, not a failure; problems have log lines of their own. */
const HEALTH_CHECKS = new Set(["/healthz", "/readyz", "/freshz"]);

/** pino-http, which Probot uses, gives each request a logger, and writes to it when the answer has been sent. */
type Logged = IncomingMessage & { id?: unknown; log?: { info?: unknown } & Pick<Log, "debug" | "warn"> };

/**
 * Replaces Probot's log line about this request, which has every header, by a short one: a warning when the server
 * failed, otherwise at debug. Queries are left out, because they can contain secrets.
 * @param given null: the line goes to Probot's own logger of the request, which adds the request to it
 */
export function logRequest(
  request: Logged,
  response: ServerResponse,
  given: Pick<Log, "debug" | "warn"> | null,
): void {
  const own = request.log;
  if (!own) return;
  const log = given ?? own;
  const answered = requestLogger(request, response, log);
  own.info = () => answered(String(request.id));
}

/** @returns what writes the line about the request, once it is answered */
export function requestLogger(
  request: IncomingMessage,
  response: ServerResponse,
  log: Pick<Log, "debug" | "warn">,
): (requestId: string, error?: unknown) => void {
  const began = performance.now();
  const method = String(request.method);
  const from = request.socket.remoteAddress;
  return (requestId, error) => {
    const { statusCode: status } = response;
    const path = pathOf(String(request.url));
    const details: LogDetails = {
      event: "request_answered",
      method,
      path,
      status,
      durationMs: Math.round(performance.now() - began),
      requestId: requestId.slice(0, 100),
      from,
      ...(!response.writableFinished && { isWhole: false }),
      ...(error !== undefined && { err: error }),
    };
    const level = status >= 500 && !HEALTH_CHECKS.has(path) ? "warn" : "debug";
    log[level](details, `${method} ${path} ${status}`);
  };
}

const MAX_PATH = 500;

const pathOf = (url: string): string => url.split("?", 1)[0]!.slice(0, MAX_PATH);
