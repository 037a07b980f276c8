import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Log } from "../base/log.js";
import type { Handler } from "./handler.js";
import { requestLogger } from "./request-log.js";

/**
 * Has a server ask the handlers that answer a request for certain before any other listener. Of the time that a delivery
 * takes, Probot's logger of requests and its list of handlers would be a tenth. Whatever is not theirs goes to the
 * listeners that the server had.
 */
export function putBefore(
  server: Server,
  handlers: readonly Handler[],
  log: Pick<Log, "debug" | "warn">,
): void {
  const others = server.listeners("request");
  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const handler = handlers.find(({ isSole }) => isSole?.(request));
    if (handler) void answer(handler, request, response, log);
    else for (const listener of others) listener.call(server, request, response);
  });
}

/** Never throws: a fault of the handler is logged and answered with a 500, or ends an answer that has begun. */
async function answer(
  handler: Handler,
  request: IncomingMessage,
  response: ServerResponse,
  log: Pick<Log, "debug" | "warn">,
): Promise<void> {
  const answered = requestLogger(request, response, log);
  let fault: unknown;
  response.once("close", () => answered(idOf(request), fault));
  try {
    await handler(request, response);
  } catch (error) {
    fault = error;
    if (response.headersSent) response.destroy();
    else response.writeHead(500).end();
  }
}

/** Chosen as Probot's logger of requests does. */
const idOf = ({ headers }: IncomingMessage): string =>
  String(headers["x-request-id"] ?? headers["x-github-delivery"] ?? randomUUID());
