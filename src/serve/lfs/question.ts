import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { beginSlice } from "../../base/slices.js";
import { Refusal } from "../refusal.js";

/** The type of all bodies of Git LFS's API. */
export const LFS_TYPE = "application/vnd.git-lfs+json";

export interface BatchQuestion {
  operation: "download" | "upload";
  objects: { oid: string; size: number }[];
}

/** What is used of a batch: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md */
const QUESTION = z.object({
  operation: z.enum(["download", "upload"]),
  transfers: z
    .array(z.string())
    .refine((all) => all.length === 0 || all.includes("basic"))
    .optional(),
  hash_algo: z.literal("sha256").optional(),
  objects: z
    .array(z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.number().int().nonnegative() }))
    .max(1_000),
});

/** git-lfs asks for 100 objects at a time, in some 12 KiB. */
const MAX_BYTES = 256 * 1024;
const MAX_BYTES_IN_FLIGHT = 32 * 2 ** 20;
const TIMEOUT_MS = 30_000;

export type ReadQuestion = (request: IncomingMessage) => Promise<BatchQuestion>;

/** @throws Refusal 400, 408, 413, 415 or 503, from what it returns */
export function createQuestionReader(): ReadQuestion {
  const inFlight = { bytes: 0 };
  return async (request) => {
    const { "content-type": type = "", "content-encoding": encoding = "identity" } = request.headers;
    if (type.split(";")[0]!.trim() !== LFS_TYPE || encoding !== "identity")
      throw new Refusal(415, `the request is not of the type ${LFS_TYPE}`);
    const held = { bytes: 0 };
    const count = (bytes: number) => {
      held.bytes += bytes;
      inFlight.bytes += bytes;
      if (held.bytes > MAX_BYTES) throw new Refusal(413, "the request is larger than 256 KiB");
      if (inFlight.bytes > MAX_BYTES_IN_FLIGHT) throw new Refusal(503, "too many requests at once", 5);
    };
    try {
      return parse(await inTime(readAll(request, count)));
    } finally {
      inFlight.bytes -= held.bytes;
    }
  };
}

/** The stream is not destroyed when a piece is refused: the answer goes over the same connection. */
async function readAll(request: IncomingMessage, count: (bytes: number) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const slice = beginSlice();
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    count(chunk.length);
    chunks.push(chunk);
    if (slice.isOver()) await slice.next();
  }
  return Buffer.concat(chunks);
}

async function inTime(all: Promise<Buffer>): Promise<Buffer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refusal(408, "the request arrived too slowly")), TIMEOUT_MS);
  });
  // The connection ends after a refusal, and with it a body that is still being read.
  all.catch(() => {});
  try {
    return await Promise.race([all, late]);
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(400, "the request broke off");
  } finally {
    clearTimeout(timer);
  }
}

function parse(body: Buffer): BatchQuestion {
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch {
    throw new Refusal(400, "the request is not valid JSON");
  }
  const { data } = QUESTION.safeParse(json);
  if (data === undefined)
    throw new Refusal(400, "the request is not one of Git LFS that Lockstep understands");
  return data;
}
