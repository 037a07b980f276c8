import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Refusal } from "./refusal.js";
import type { Denied } from "./rights.js";

/** Where an answer comes from: the mirror as it is, the mirror after a fetch for this reader, or GitHub. */
export type Source = "mirror" | "fetched" | "github";

export interface Head {
  type: string;
  source: Source;
  /** When GitHub's refs were last found to be the mirror's, in milliseconds since 1970; null: not known. */
  provenAt: number | null;
  /** Whether the answer is one that another reader has asked for, too. */
  isShared?: boolean;
  /** The node that has answered in this one's place. */
  node?: string;
}

const begun = new WeakMap<ServerResponse, Head>();

/** Returns the head that was sent; null: none was, or only a refusal. */
export const sentBy = (response: ServerResponse): Head | null => begun.get(response) ?? null;

function writeHead(response: ServerResponse, head: Head, more: Record<string, string> = {}): ServerResponse {
  begun.set(response, head);
  return response.writeHead(200, { ...headersOf(head), ...more });
}

export const RESULT_TYPE = "application/x-git-upload-pack-result";

const headersOf = ({ type, source, provenAt, node }: Head): Record<string, string> => ({
  "content-type": type,
  // Answers depend on the reader, and are outdated at once: gitprotocol-http(5)
  "cache-control": "no-cache, max-age=0, must-revalidate",
  pragma: "no-cache",
  "x-lockstep-source": source,
  ...(provenAt === null ? {} : { "x-lockstep-proven-at": new Date(provenAt).toISOString() }),
  ...(node === undefined ? {} : { "x-lockstep-node": node }),
});

export function sendBytes(response: ServerResponse, head: Head, bytes: Buffer | string): void {
  writeHead(response, head).end(bytes);
}

/** Sends the head of an answer whose length is known, in bytes. */
export function beginStream(response: ServerResponse, head: Head, length: number): void {
  writeHead(response, head, { "content-length": String(length) });
}

/**
 * Sends a stream at the reader's pace. The head is sent with the first byte, so that a failure before that is an answer;
 * after a later failure the connection is destroyed, so that no reader takes a part for the whole.
 * @throws the stream's failure
 */
export async function sendStream(response: ServerResponse, head: Head, stream: Readable): Promise<void> {
  const gone = () => stream.destroy(new Error("the reader went away"));
  response.once("close", gone);
  try {
    if (stream.readableLength === 0 && !stream.readableEnded) await firstByte(stream);
    writeHead(response, head);
    await pipeline(stream, response);
  } finally {
    response.off("close", gone);
  }
}

async function firstByte(stream: Readable): Promise<void> {
  if (stream.errored) throw stream.errored;
  await once(stream, "readable");
}

/** git shows a text to its user only with this type. */
const TEXT = { "content-type": "text/plain; charset=utf-8" };

/** git-lfs shows the message to its user. */
const LFS_JSON = { "content-type": "application/vnd.git-lfs+json" };

/** Only a 401 makes git, and git-lfs, ask their user for credentials. */
export function sendRefusal(response: ServerResponse, { status, message, retryAfter }: Refusal): void {
  if (response.headersSent) return void response.destroy();
  const wait = retryAfter === null ? {} : { "retry-after": String(retryAfter) };
  if (status === 401) response.setHeader("www-authenticate", 'Basic realm="Lockstep"');
  const isLfs = /\/info\/lfs\//.test(response.req.url ?? "");
  const [type, text] = isLfs ? [LFS_JSON, JSON.stringify({ message })] : [TEXT, `${message}\n`];
  // The rest of a body that was not read would be taken for the next request.
  const end = response.req.method === "GET" ? {} : { connection: "close" };
  response.writeHead(status, { ...type, ...wait, ...end }).end(text);
}

export function sendDenied(response: ServerResponse, { status, retryAfter }: Denied): void {
  const message = { 401: "credentials are needed", 404: "not found", 503: "try again later" }[status];
  sendRefusal(response, new Refusal(status, message, retryAfter));
}
