import type { IncomingMessage } from "node:http";

export type BodyFailure = "too_large" | "too_slow" | "overloaded" | "aborted";

export interface BodyLimits {
  /** The length limit of a body, in bytes. */
  maxBytes: number;
  /** The limit of all bodies held at a time, in bytes. */
  maxBytesInFlight: number;
  /** The time within which a whole body must arrive, in milliseconds. */
  timeoutMs: number;
}

/** Reads a body, passes it to `use`, and counts it as held until `use` has finished. */
export type BodyReader = <T>(
  request: IncomingMessage,
  use: (body: Buffer) => Promise<T>,
) => Promise<T | BodyFailure>;

/** Bytes are counted as they arrive, so a length that a client announces costs nothing. */
export function createBodyReader(limits: BodyLimits): BodyReader {
  const inFlight = { bytes: 0 };
  return async (request, use) => {
    const body = { chunks: [] as Buffer[], bytes: 0 };
    const take = (chunk: Buffer): BodyFailure | null => {
      body.bytes += chunk.length;
      inFlight.bytes += chunk.length;
      body.chunks.push(chunk);
      if (body.bytes > limits.maxBytes) return "too_large";
      return inFlight.bytes > limits.maxBytesInFlight ? "overloaded" : null;
    };
    try {
      const failure = await receive(request, take, limits.timeoutMs);
      return failure ?? (await use(Buffer.concat(body.chunks, body.bytes)));
    } finally {
      inFlight.bytes -= body.bytes;
    }
  };
}

function receive(
  request: IncomingMessage,
  take: (chunk: Buffer) => BodyFailure | null,
  timeoutMs: number,
): Promise<BodyFailure | null> {
  return new Promise((resolve) => {
    const onData = (chunk: Buffer) => {
      const failure = take(chunk);
      if (failure !== null) settle(failure);
    };
    const onEnd = () => settle(null);
    const onGone = () => settle("aborted");
    const timer = setTimeout(() => settle("too_slow"), timeoutMs);
    function settle(outcome: BodyFailure | null) {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", onGone);
      resolve(outcome);
    }
    // A reset arrives as an error and then as close; without a listener the error would end the process.
    request
      .on("error", () => {})
      .on("data", onData)
      .on("end", onEnd)
      .on("close", onGone);
    if (request.destroyed) onGone();
  });
}
