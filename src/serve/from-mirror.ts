import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import type { StreamGit } from "../git/run/stream.js";
import { ADVERTISEMENT_TYPE, advertise } from "./advertisement.js";
import { type Head, RESULT_TYPE, sendStream } from "./answer.js";
import type { Herd } from "./herd/table.js";
import type { FetchRequest, ListRequest, Version } from "./request/form.js";
import { writeRequest } from "./request/write.js";
import { type Slots, withSlot } from "./slots.js";
import { type Served, uploadPack } from "./upload-pack.js";

/** A mirror that can be read now. */
export interface ServedMirror extends Served {
  id: number;
  /** When GitHub's refs were last found to be the mirror's, in milliseconds since 1970; null: not known. */
  provenAt: number | null;
}

export interface MirrorNeeds {
  streamGit: StreamGit;
  /** Limits the programs that serve. */
  slots: Slots;
  herd: Herd;
  /** A number that grows whenever a mirror's refs may have changed. */
  generation(repositoryId: number): number;
  /** The time for one answer, in milliseconds. */
  timeoutMs: number;
  /** How many threads one program may compress with. */
  threads: number;
}

/** A request on its way to its answer. */
export interface Reading {
  request: IncomingMessage;
  response: ServerResponse;
  version: Version;
  /** Aborts when the reader goes away, or Lockstep stops. */
  signal: AbortSignal;
}

export const headOf = (mirror: ServedMirror | null, type: string): Head => ({
  type,
  source: mirror === null ? "github" : "mirror",
  provenAt: mirror?.provenAt ?? null,
});

/** Sends the list of refs of versions 0 and 1. */
export async function sendRefs(needs: MirrorNeeds, mirror: ServedMirror, reading: Reading): Promise<void> {
  await withSlot(needs.slots, reading.signal, async () => {
    const { stdout } = run(needs, mirror, { ...reading, input: null });
    const list = pipeline(stdout, advertise(), () => {});
    await sendStream(reading.response, headOf(mirror, ADVERTISEMENT_TYPE), list);
  });
}

/** Readers who have nothing yet, as each CI job, share one answer. */
export async function sendPack(
  needs: MirrorNeeds,
  mirror: ServedMirror,
  asked: FetchRequest,
  reading: Reading,
): Promise<void> {
  if (asked.haves.length > 0) return sendAnswer(needs, mirror, asked, reading);
  const written = writeRequest(asked);
  const dependsOnRefs = asked.options.has("include-tag") || asked.not.length > 0;
  const refs = dependsOnRefs ? needs.generation(mirror.id) : "any";
  const key = [mirror.id, mirror.dir, refs, asked.version, written].join(" ");
  const { streamGit, timeoutMs, threads } = needs;
  const { stream } = needs.herd.answer(key, async (signal) => {
    const giveBack = await needs.slots.take(signal);
    const input = Buffer.from(written, "latin1");
    const call = { version: asked.version, input, timeoutMs, threads, signal };
    const { stdout, done } = uploadPack(streamGit, mirror, call);
    void done.then(giveBack, giveBack);
    return stdout;
  });
  await sendStream(reading.response, headOf(mirror, RESULT_TYPE), stream);
}

export const sendAnswer = (
  needs: MirrorNeeds,
  mirror: ServedMirror,
  asked: FetchRequest | ListRequest,
  reading: Reading,
): Promise<void> =>
  withSlot(needs.slots, reading.signal, async () => {
    const input = Buffer.from(writeRequest(asked), "latin1");
    const { stdout } = run(needs, mirror, { ...reading, input });
    await sendStream(reading.response, headOf(mirror, RESULT_TYPE), stdout);
  });

/** A reader that takes nothing for this long is cut off. */
const STALL_MS = 60_000;

function run(
  { streamGit, timeoutMs, threads }: MirrorNeeds,
  mirror: ServedMirror,
  { version, input, signal, response }: Reading & { input: Buffer | null },
) {
  const socket = response.socket;
  let idle = 0;
  // Only a reader who has not taken what is there can stall: git alone may be silent while it counts.
  const progress = () => (response.writableNeedDrain ? (socket?.bytesWritten ?? 0) : -++idle);
  const answer = uploadPack(streamGit, mirror, {
    version,
    input,
    timeoutMs,
    threads,
    signal,
    stall: { ms: STALL_MS, progress },
  });
  answer.done.catch(() => {}); // The stream has the same error.
  return answer;
}
