import type { IncomingMessage, ServerResponse } from "node:http";
import { countPieces } from "./pieces.js";

export interface Answer {
  status: number;
  /** Sent as JSON; undefined sends no body. */
  body?: Record<string, string>;
  /** The value of Retry-After, in seconds. */
  retryAfter?: number;
}

/** The rest of a refused body is discarded for this long before the connection is closed. */
const LINGER_MS = 5_000;

/**
 * Answers a request, whether or not its body was read. Closing a socket with unread bytes resets the
 * connection, and the client may never see the answer (RFC 9112, 9.6). So the whole answer is sent, the rest
 * of the body is discarded for a while, unless it comes in too many pieces, and only then the connection is closed.
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
  const isFragmented = countPieces();
  request
    .on("error", () => {})
    .on("data", (piece: Buffer) => isFragmented(piece) && request.destroy())
    .once("end", finish)
    .once("close", finish)
    .resume();
}
