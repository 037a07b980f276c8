import type { IncomingMessage } from "node:http";

import { countPieces } from "./pieces.js";

export type BodyFailure = "too_large" | "fragmented" | "too_slow" | "overloaded" | "aborted";

export interface BodyLimits {
  /** The length limit of a body, in bytes. */
  maxBytes: number;
  /** The limit of the memory that all bodies hold at a time, in bytes. */
  maxBytesInFlight: number;
  /** The time within which a whole body must arrive, in milliseconds. */
  timeoutMs: number;
}

export interface BodyUse<T> {
  /** Sees the bytes in their order as they arrive, and keeps none of them. */
  onBytes(bytes: Buffer): void;
  /** Called once the whole body is there. @param read returns the body in one piece, which costs its length again where it came in several */
  use(read: () => Buffer): T | Promise<T>;
}

/** Reads a body, and counts it as held until `use` has ended. */
export type BodyReader = <T>(request: IncomingMessage, use: BodyUse<T>) => Promise<T | BodyFailure>;

/** A body is kept in blocks: the first is small, as most bodies are, and each further one is larger. */
const FIRST_BLOCK = 4 * 1024;
const LARGEST_BLOCK = 256 * 1024;

interface Body {
  bytes: number;
  blocks: Buffer[];
  /** How much of the last block is not used yet, in bytes. */
  free: number;
  /** How much memory the blocks take, in bytes. */
  held: number;
}

/**
 * The memory of blocks is counted when it is taken, so a length that a client announces costs nothing. What Node hands
 * over is copied: a piece of one byte would keep all that arrived with it, uncounted.
 */
export function createBodyReader(limits: BodyLimits): BodyReader {
  const inFlight = { bytes: 0 };
  const grow = (body: Body, arrived: number): boolean => {
    const size = nextBlock(body, arrived, limits.maxBytes);
    if (inFlight.bytes + size > limits.maxBytesInFlight) return false;
    inFlight.bytes += size;
    addBlock(body, size);
    return true;
  };
  return async (request, { onBytes, use }) => {
    const body: Body = { bytes: 0, blocks: [], free: 0, held: 0 };
    const isFragmented = countPieces();
    const take = (chunk: Buffer): BodyFailure | null => {
      body.bytes += chunk.length;
      if (body.bytes > limits.maxBytes) return "too_large";
      if (isFragmented(chunk)) return "fragmented";
      for (let rest = chunk; rest.length > 0; ) {
        if (body.free === 0 && !grow(body, rest.length)) return "overloaded";
        rest = rest.subarray(append(body, rest));
      }
      onBytes(chunk);
      return null;
    };
    try {
      return (await receive(request, take, limits.timeoutMs)) ?? (await use(() => joined(body)));
    } finally {
      inFlight.bytes -= body.held;
      body.blocks = [];
    }
  };
}

/** What has arrived at once, as most bodies do, fits into one block. */
const nextBlock = ({ held }: Body, arrived: number, maxBytes: number) =>
  Math.min(Math.max(FIRST_BLOCK, held, arrived), LARGEST_BLOCK, Math.max(1, maxBytes - held));

function addBlock(body: Body, size: number): void {
  body.blocks.push(Buffer.allocUnsafeSlow(size));
  body.free = size;
  body.held += size;
}

/** Fills the last block. @returns how many of the bytes it had room for */
function append(body: Body, bytes: Buffer): number {
  const block = body.blocks.at(-1)!;
  const copied = bytes.copy(block, block.length - body.free);
  body.free -= copied;
  return copied;
}

function joined({ blocks, bytes }: Body): Buffer {
  const [first] = blocks;
  return first && blocks.length === 1 ? first.subarray(0, bytes) : Buffer.concat(blocks, bytes);
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
