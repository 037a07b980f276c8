import type { IncomingHttpHeaders } from "node:http";
import { finished, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { beginSlice } from "../../base/slices.js";
import { createPacketReader } from "../pktline.js";
import { Refusal } from "../refusal.js";
import type { Request, Version } from "./form.js";
import { createVersionTwo } from "./version-two.js";
import { createVersionZero } from "./version-zero.js";

export interface RequestLimits {
  /** The length of a body after decompression, in bytes. */
  maxBytes: number;
  /** What all bodies that are being read or used have together, in bytes. */
  maxBytesInFlight: number;
  /** The time within which a whole body must arrive, in milliseconds. */
  timeoutMs: number;
}

export const LIMITS: RequestLimits = {
  maxBytes: 64 * 2 ** 20,
  maxBytesInFlight: 256 * 2 ** 20,
  timeoutMs: 60_000,
};

/** A request, and the memory that it counts for. */
export interface Held {
  request: Request;
  release(): void;
}

export type ReadRequest = (body: Readable, headers: IncomingHttpHeaders, version: Version) => Promise<Held>;

/**
 * Reads requests as they arrive. The bytes of a body are not kept, but what was understood of them is, so that a body
 * counts until its request is released. A piece is some ten KiB, and other work runs between the pieces.
 * @throws Refusal 400, 408, 413, 415 or 503
 */
export function createRequestReader(limits: RequestLimits = LIMITS): ReadRequest {
  const inFlight = { bytes: 0 };
  return async (body, headers, version) => {
    const held = { bytes: 0 };
    const release = () => {
      inFlight.bytes -= held.bytes;
      held.bytes = 0;
    };
    const count = (bytes: number) => {
      held.bytes += bytes;
      inFlight.bytes += bytes;
      if (held.bytes > limits.maxBytes) throw new Refusal(413, "the request is larger than 64 MiB");
      if (inFlight.bytes > limits.maxBytesInFlight) throw new Refusal(503, "too many requests at once", 5);
    };
    try {
      return { request: await read(body, { headers, version, count, timeoutMs: limits.timeoutMs }), release };
    } catch (error) {
      release();
      throw error;
    }
  };
}

interface Reading {
  headers: IncomingHttpHeaders;
  version: Version;
  count(bytes: number): void;
  timeoutMs: number;
}

async function read(body: Readable, { headers, version, count, timeoutMs }: Reading): Promise<Request> {
  const reader = version === 2 ? createVersionTwo() : createVersionZero(version);
  const packets = createPacketReader(reader.take);
  const plain = decompressed(body, headers["content-encoding"]);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refusal(408, "the request arrived too slowly")), timeoutMs);
  });
  const all = takeAll(plain, (chunk) => {
    count(chunk.length);
    packets.push(chunk);
  });
  // The connection ends after a refusal, and with it a body that is still being read.
  all.catch(() => {});
  try {
    await Promise.race([all, late]);
  } catch (error) {
    throw asRefusal(error);
  } finally {
    clearTimeout(timer);
  }
  packets.end();
  return reader.finish();
}

/** The stream is not destroyed when a piece is refused: the answer goes over the same connection. */
async function takeAll(body: Readable, take: (chunk: Buffer) => void): Promise<void> {
  const slice = beginSlice();
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    take(chunk);
    if (slice.isOver()) await slice.next();
  }
}

function decompressed(body: Readable, encoding = "identity"): Readable {
  if (encoding === "identity") return body;
  if (encoding !== "gzip" && encoding !== "x-gzip")
    throw new Refusal(415, "the request is compressed, but not by gzip");
  const gunzip = createGunzip();
  // A body that breaks off does not end the stream that it is piped into.
  finished(body, { writable: false }, (error) => error && gunzip.destroy(error));
  return body.pipe(gunzip);
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  return new Refusal(400, "the request broke off, or is not compressed as it says");
}
