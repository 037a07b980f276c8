import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { readUpTo } from "../base/read-up-to.js";
import type { StreamGit } from "../git/run/stream.js";
import { ADVERTISEMENT_TYPE } from "./advertisement.js";
import { RESULT_TYPE, sendRefusal, sendStream } from "./answer.js";
import { Refusal } from "./refusal.js";
import { versionOf } from "./request/version.js";
import { authorizationOf } from "./rights/header.js";
import { type Slots, withSlot } from "./slots.js";
import { uploadPack } from "./upload-pack.js";

interface Ports {
  streamGit: StreamGit;
  slots: Slots;
  /** Whether what a node has shown lets it read this mirror. */
  mayRead(claim: string, repositoryId: number): boolean;
  /** @returns the directory of the mirror; null: there is none that is whole and sound */
  open(repositoryId: number): string | null;
  /** The time for a whole answer, in milliseconds. */
  timeoutMs: number;
  /** A body must arrive within this time, in milliseconds. Default: a minute. */
  bodyMs?: number;
  /** A node that takes nothing for this long is cut off, in milliseconds. Default: a minute. */
  stallMs?: number;
}

/** The path of a mirror as git asks another node for it, below the node's URL. */
export const MIRRORS_PATH = "/cluster/v1/mirrors";
export const MIRROR_OWNER = "id";

const PATH =
  /^\/cluster\/v1\/mirrors\/id\/(\d{1,16})\.git\/(info\/refs\?service=git-upload-pack|git-upload-pack)$/;
/** The wants and haves of a fetch, before and after decompression, in bytes. */
const MAX_BODY = 64 * 2 ** 20;
const BODY_MS = 60_000;
const STALL_MS = 60_000;

const unzip = promisify(gunzip);

/**
 * Serves mirrors to other nodes, over git's protocol of version 2. A node reads every object of a mirror, also by its name
 * alone, and no ref of Lockstep's own.
 * @returns a handler; it resolves to false for any other request
 */
export function createMirrorsForNodes(ports: Ports) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const [, number, act] = PATH.exec(request.url ?? "") ?? [];
    if (number === undefined) return false;
    try {
      const dir = find(ports, request, Number(number));
      if (versionOf(request.headers["git-protocol"]) !== 2)
        throw new Refusal(400, "nodes speak version 2 of git's protocol");
      const isPack = act === "git-upload-pack";
      if (request.method !== (isPack ? "POST" : "GET")) throw new Refusal(405, "not allowed");
      await answer(ports, { request, response, dir, isPack });
    } catch (error) {
      if (response.headersSent) response.destroy();
      else sendRefusal(response, error instanceof Refusal ? error : new Refusal(503, "git failed"));
    }
    return true;
  };
}

function find({ mayRead, open }: Ports, request: IncomingMessage, id: number): string {
  const [, basic = ""] = /^Basic (\S+)$/.exec(authorizationOf(request) ?? "") ?? [];
  const [, claim = ""] = /^x-access-token:(.+)$/.exec(Buffer.from(basic, "base64").toString()) ?? [];
  // git would ask again after a 401.
  if (!mayRead(claim, id)) throw new Refusal(403, "only nodes of this cluster may read");
  const dir = open(id);
  if (dir === null) throw new Refusal(404, "this node does not have the mirror");
  return dir;
}

interface Reading {
  request: IncomingMessage;
  response: ServerResponse;
  dir: string;
  isPack: boolean;
}

async function answer(ports: Ports, { request, response, dir, isPack }: Reading): Promise<void> {
  const { streamGit, slots, timeoutMs, bodyMs = BODY_MS, stallMs = STALL_MS } = ports;
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const { signal } = gone;
  await withSlot(slots, signal, async () => {
    const input = isPack ? await readBody(request, { bodyMs, signal }) : null;
    let idle = 0;
    const { socket } = response;
    // Only a node that has not taken what is there can stall: git alone may be silent while it counts.
    const progress = () => (response.writableNeedDrain ? (socket?.bytesWritten ?? 0) : -++idle);
    const stall = { ms: stallMs, progress };
    const call = { version: 2, input, timeoutMs, threads: 1, signal, stall } as const;
    const { stdout, done } = uploadPack(streamGit, { dir }, call);
    done.catch(() => {}); // The stream has the same error.
    const type = isPack ? RESULT_TYPE : ADVERTISEMENT_TYPE;
    await sendStream(response, { type, source: "mirror", provenAt: null }, stdout);
  });
}

/** @throws Refusal */
async function readBody(
  request: IncomingMessage,
  { bodyMs, signal }: { bodyMs: number; signal: AbortSignal },
): Promise<Buffer> {
  const inTime = new AbortController();
  const late = setTimeout(bodyMs, undefined, { signal: AbortSignal.any([signal, inTime.signal]) }).then(
    () => request.destroy(),
    () => {},
  );
  try {
    const body = await readUpTo(request, MAX_BODY);
    if (body === null) throw new Refusal(413, "the request is larger than 64 MiB");
    if (request.headers["content-encoding"] !== "gzip") return body;
    return await unzip(body, { maxOutputLength: MAX_BODY }).catch(() => {
      throw new Refusal(400, "the request cannot be decompressed");
    });
  } finally {
    inTime.abort();
    await late;
  }
}
