import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline, Readable } from "node:stream";
import type { Holders } from "../base/holders.js";
import { holdVersion } from "../git/disk/swap.js";
import { unanswerableOf } from "../git/run/failure.js";
import type { StreamGit } from "../git/run/stream.js";
import { ADVERTISEMENT_TYPE, advertise } from "./advertisement.js";
import { type Head, RESULT_TYPE, sendStream } from "./answer.js";
import { type Herd, MAX_SHARED } from "./herd/table.js";
import { errorLine } from "./pktline.js";
import type { FetchRequest, ListRequest, Version } from "./request/form.js";
import { writeRequest } from "./request/write.js";
import { type Slots, withSlot } from "./slots.js";
import { type Served, uploadPack } from "./upload-pack.js";

/** A mirror that can be read now. */
export interface ServedMirror extends Served {
  id: number;
  /** When GitHub's refs were last found to be the mirror's, in milliseconds since 1970; null: not known. */
  provenAt: number | null;
  /** Whether something was fetched into the mirror for this reader. */
  isFetched?: boolean;
}

export interface MirrorNeeds {
  streamGit: StreamGit;
  /** Limits the programs that serve. */
  slots: Slots;
  herd: Herd;
  /** A number that two calls have in common only if the mirror's refs have not changed. */
  generation(repositoryId: number): number;
  /** Resolves when it is the caller's turn; see `createTurns`. Node takes some 20 ms to start a program. */
  turn(): Promise<void>;
  /** Called when git begins to pack the whole history of a mirror for readers. */
  onClone(repositoryId: number): void;
  /**
   * Repositories of readers who have come, and whose pack is not on its way yet. Of a crowd one reader is the first, and
   * has some of the answer before the second one has asked for it.
   */
  approaching: Holders<number>;
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
  source: mirror === null ? "github" : mirror.isFetched ? "fetched" : "mirror",
  provenAt: mirror?.provenAt ?? null,
});

/** Sends the list of refs of versions 0 and 1, which all readers share until the refs change. */
export async function sendRefs(needs: MirrorNeeds, mirror: ServedMirror, reading: Reading): Promise<void> {
  const answer = share(needs, mirror, { version: reading.version, written: null, dependsOnRefs: true });
  const list = pipeline(answer.stream, advertise(), () => {});
  const { isShared } = answer;
  await sendStream(reading.response, { ...headOf(mirror, ADVERTISEMENT_TYPE), isShared }, list);
}

/** Sends refs that a reader of version 2 asks for. */
export async function sendList(
  needs: MirrorNeeds,
  mirror: ServedMirror,
  asked: ListRequest,
  reading: Reading,
): Promise<void> {
  const written = writeRequest(asked);
  if (written.length > MAX_SHARED) return sendAlone(needs, mirror, { written, asked: null }, reading);
  const { stream, isShared } = share(needs, mirror, { version: 2, written, dependsOnRefs: true });
  await sendStream(reading.response, { ...headOf(mirror, RESULT_TYPE), isShared }, stream);
}

/** Sends a pack. Readers who have nothing yet, as each CI job, share one. */
export async function sendPack(
  needs: MirrorNeeds,
  mirror: ServedMirror,
  asked: FetchRequest,
  reading: Reading,
): Promise<void> {
  const written = writeRequest(asked);
  if (asked.haves.length > 0 || written.length > MAX_SHARED)
    return sendAlone(needs, mirror, { written, asked }, reading);
  const dependsOnRefs = asked.options.has("include-tag") || asked.not.length > 0;
  const isClone = asked.depth === null && asked.since === null && asked.not.length === 0;
  const shared = { version: asked.version, written, dependsOnRefs, isClone };
  const { stream, isShared } = share(needs, mirror, shared);
  await sendStream(reading.response, { ...headOf(mirror, RESULT_TYPE), isShared }, sayingWhy(stream, asked));
}

/** Ends the answer to a reader who asks for a part of the history that is empty with git's own reason. */
function sayingWhy(stream: Readable, asked: FetchRequest | null): Readable {
  if (asked === null || (asked.since === null && asked.not.length === 0)) return stream;
  async function* withReason() {
    try {
      yield* stream;
    } catch (error) {
      const why = unanswerableOf(error);
      if (why === null) throw error;
      yield Buffer.from(errorLine(`upload-pack: ${why}`));
    }
  }
  return Readable.from(withReason(), { objectMode: false });
}

export interface Shared {
  version: Version;
  /** The request as it was rewritten; null: the list of refs of versions 0 and 1. */
  written: string | null;
  /** Whether the answer is another one when refs change. */
  dependsOnRefs: boolean;
  /** Whether the whole history is packed. */
  isClone?: boolean;
}

/** @returns the answer from its first byte on, which others may follow, too */
export function share(
  { streamGit, timeoutMs, threads, slots, herd, generation, approaching, turn, onClone }: MirrorNeeds,
  mirror: ServedMirror,
  { version, written, dependsOnRefs, isClone = false }: Shared,
): ReturnType<Herd["answer"]> {
  const refs = dependsOnRefs ? generation(mirror.id) : "any";
  const key = [mirror.dir, refs, version, written].join(" ");
  const isAwaited = () => approaching.isHeld(mirror.id);
  const produce = async (signal: AbortSignal) => {
    // The mirror may be replaced while the answer waits for its turn.
    const letGo = holdVersion(mirror.dir);
    try {
      const giveBack = await slots.take(signal);
      await turn();
      if (isClone) onClone(mirror.id);
      const input = written === null ? null : Buffer.from(written, "latin1");
      const { stdout, done } = uploadPack(streamGit, mirror, { version, input, timeoutMs, threads, signal });
      void done.then(giveBack, giveBack);
      return stdout;
    } finally {
      letGo();
    }
  };
  return herd.answer(key, produce, isAwaited);
}

async function sendAlone(
  needs: MirrorNeeds,
  mirror: ServedMirror,
  { written, asked }: { written: string; asked: FetchRequest | null },
  reading: Reading,
): Promise<void> {
  const letGo = holdVersion(mirror.dir);
  try {
    await withSlot(needs.slots, reading.signal, async () => {
      await needs.turn();
      const input = Buffer.from(written, "latin1");
      const { stdout } = run(needs, mirror, { ...reading, input });
      await sendStream(reading.response, headOf(mirror, RESULT_TYPE), sayingWhy(stdout, asked));
    });
  } finally {
    letGo();
  }
}

/** A reader that takes nothing for this long is cut off. */
const STALL_MS = 60_000;

function run(
  { streamGit, timeoutMs, threads }: MirrorNeeds,
  mirror: ServedMirror,
  { version, input, signal, response }: Reading & { input: Buffer },
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
