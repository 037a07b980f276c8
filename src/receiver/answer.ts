import type { IncomingMessage, ServerResponse } from "node:http";

export interface Answer {
  status: number;
  /** Sent as JSON; no body when absent. */
  body?: Record<string, string>;
  /** Seconds after which to come back. */
  retryAfter?: number;
}

/** How long the rest of a refused body is thrown away before the connection is cut. */
const LINGER_MS = 5_000;

/**
 * Answers a request, whether or not its body was read. Closing a socket with unread bytes resets
 * it, and the client may never see the answer (RFC 9112, 9.6); so the answer goes out whole, the
 * rest of the body is thrown away for a while, and only then the connection ends.
 */
export function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const text = answer.body === undefined ? "" : JSON.stringify(answer.body);
  if (text !== "") response.setHeader("content-type", "application/json; charset=utf-8");
  if (answer.retryAfter !== undefined) response.setHeader("retry-after", answer.retryAfter);
  if (!request.complete) response.setHeader("connection", "close");
  response.writeHead(answer.status, text === "" ? {} : { "content-length": Buffer.byteLength(text) });
  if (request.complete) {
    response.end(text);
    return;
  }
  response.write(text);
  const timer = setTimeout(() => response.end(), LINGER_MS).unref();
  const finish = () => {
    clearTimeout(timer);
    response.end();
  };
  request
    .on("error", () => {})
    .once("end", finish)
    .once("close", finish)
    .resume();
}
