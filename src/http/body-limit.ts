import type { Context, MiddlewareHandler } from "hono";
import { badRequest } from "./lookup.js";

interface Options {
  /** The length limit of a body, in bytes. */
  maxBytes: number;
  /** Returns the answer to a longer body. */
  onTooLarge(context: Context): Response | Promise<Response>;
}

/**
 * Reads the whole body, with or without an announced length, before the handlers that follow. Hono's own
 * middleware cannot: it builds another Request from the adapter's, which throws for every chunked body.
 */
export function limitBody({ maxBytes, onTooLarge }: Options): MiddlewareHandler {
  return async (context, next) => {
    const announced = Number(context.req.header("content-length") ?? 0);
    if (announced > maxBytes) return onTooLarge(context);
    const { body } = context.req.raw;
    const read = body === null ? new Uint8Array() : await readUpTo(body, maxBytes);
    if (read === "too_large") return onTooLarge(context);
    if (read === "aborted") return badRequest("the body is incomplete", "send it again");
    // text() and parseBody() read from here.
    Object.assign(context.req.bodyCache, { arrayBuffer: Promise.resolve(read.buffer) });
    return next();
  };
}

async function readUpTo(body: ReadableStream<Uint8Array>, maxBytes: number) {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > maxBytes) return "too_large";
      chunks.push(chunk);
    }
  } catch {
    // The client went away, or its framing was wrong.
    return "aborted";
  }
  return new Uint8Array(Buffer.concat(chunks, bytes));
}
