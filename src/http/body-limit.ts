import type { Context, MiddlewareHandler } from "hono";
import { readUpTo } from "../base/read-up-to.js";
import { badRequest } from "./lookup.js";

interface Options {
  /** The length limit of a body, in bytes. */
  maxBytes: number;
  /** Returns the answer to a longer body. */
  onTooLarge(context: Context): Response | Promise<Response>;
}

/** The adapter hands on no body of these. */
const BODILESS = ["GET", "HEAD"];

/**
 * Reads the whole body, with or without an announced length, before the handlers that follow. Hono's own
 * middleware cannot: it builds another Request from the adapter's, which throws for every chunked body.
 */
export function limitBody({ maxBytes, onTooLarge }: Options): MiddlewareHandler {
  return async (context, next) => {
    const announced = Number(context.req.header("content-length") ?? 0);
    if (announced > maxBytes) return onTooLarge(context);
    // The adapter builds a whole Request once its body is touched, which is half of what an update of a page costs.
    if (BODILESS.includes(context.req.method)) return next();
    // What another node has passed on was read to check its signature, and cannot be read twice.
    const known = context.req.bodyCache.arrayBuffer;
    if (known) return (await known).byteLength > maxBytes ? onTooLarge(context) : next();
    const { body } = context.req.raw;
    const read = body === null ? Buffer.alloc(0) : await readUpTo(body, maxBytes).catch(() => "aborted");
    if (read === null) return onTooLarge(context);
    // The client went away, or its framing was wrong.
    if (typeof read === "string") return badRequest("the body is incomplete", "send it again");
    // text() and parseBody() read from here. A small Buffer is part of a larger one.
    Object.assign(context.req.bodyCache, { arrayBuffer: Promise.resolve(new Uint8Array(read).buffer) });
    return next();
  };
}
