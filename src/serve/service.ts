import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import type { StreamGit } from "../git/run/stream.js";
import { ADVERTISEMENT_TYPE, advertise, VERSION_TWO } from "./advertisement.js";
import { type Head, sendBytes, sendDenied, sendStream } from "./answer.js";
import type { EnsureFresh } from "./ensure.js";
import type { Herd } from "./herd/table.js";
import { errorLine } from "./pktline.js";
import { Refusal } from "./refusal.js";
import type { ReadRequest } from "./request/body.js";
import type { FetchRequest, ListRequest, Version } from "./request/form.js";
import { versionOf } from "./request/version.js";
import { writeRequest } from "./request/write.js";
import type { Granted, Rights } from "./rights.js";
import { type Route, routeOf } from "./route.js";
import type { Shown } from "./shown.js";
import type { Slots } from "./slots.js";
import { type Served, uploadPack } from "./upload-pack.js";
import type { CheckWants } from "./wants/check.js";

/** A mirror that can be read now. */
export interface ServedMirror extends Served {
  id: number;
  /** When GitHub's refs were last found to be the mirror's, in milliseconds since 1970; null: not known. */
  provenAt: number | null;
}

export interface ServiceNeeds {
  rights: Rights;
  /** @returns null: no mirror can be read now */
  openMirror(repositoryId: number): ServedMirror | null;
  readShown(mirror: ServedMirror): Promise<Shown>;
  ensureFresh: EnsureFresh;
  checkWants: CheckWants;
  readRequest: ReadRequest;
  streamGit: StreamGit;
  /** Limits the programs that serve, and those that check. */
  slots: Slots;
  checks: Slots;
  herd: Herd;
  /** A number that grows whenever a mirror's refs may have changed. */
  generation(repositoryId: number): number;
  /** The time for one answer, in milliseconds. */
  timeoutMs: number;
  /** How many threads one program may compress with. */
  threads: number;
}

/** A request on its way to its answer. */
interface Reading {
  request: IncomingMessage;
  response: ServerResponse;
  version: Version;
  /** Aborts when the reader goes away, or Lockstep stops. */
  signal: AbortSignal;
}

/** Answers one request of a reader. */
export type Service = (
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
) => Promise<void>;

const RESULT_TYPE = "application/x-git-upload-pack-result";
const REQUEST_TYPE = "application/x-git-upload-pack-request";

/**
 * Serves mirrors over git's smart HTTP protocol, for reading alone: gitprotocol-http(5).
 * @throws Refusal, or what git fails with
 */
export function createService(needs: ServiceNeeds): Service {
  return async (request, response, signal) => {
    const route = routeOf(request.method ?? "", request.url ?? "", originOf(request));
    const right = await judge(needs, route, request);
    if (right.kind === "no") return sendDenied(response, right);
    const version = versionOf(request.headers["git-protocol"]);
    const reading: Reading = { request, response, version, signal };
    if (route.act === "refs") return advertiseTo(needs, right, reading);
    return answerRequest(needs, right, reading);
  };
}

const judge = ({ rights }: ServiceNeeds, { owner, name }: Route, { headers, socket }: IncomingMessage) =>
  rights.judge({
    owner,
    name,
    authorization: headers.authorization ?? null,
    address: socket.remoteAddress ?? "",
  });

function originOf({ headers, socket }: IncomingMessage): string {
  return `${"encrypted" in socket ? "https" : "http"}://${headers.host ?? "this-server"}`;
}

function mirrorFor({ openMirror }: ServiceNeeds, { repositoryId }: Granted): ServedMirror {
  if (repositoryId === null) throw new Refusal(404, "not found");
  const mirror = openMirror(repositoryId);
  if (mirror === null) throw new Refusal(503, "the mirror cannot be read now", 30);
  return mirror;
}

const headOf = ({ provenAt }: ServedMirror, type: string): Head => ({ type, source: "mirror", provenAt });

/** After a delivery's 202 no reader gets an older answer. @throws Refusal 503 */
async function requireFresh({ ensureFresh }: ServiceNeeds, id: number, signal: AbortSignal): Promise<void> {
  if (await ensureFresh(id, signal)) return;
  throw new Refusal(503, "a push that GitHub has reported is not here yet", 2);
}

async function advertiseTo(needs: ServiceNeeds, right: Granted, reading: Reading): Promise<void> {
  const { version, response, signal } = reading;
  if (version === 2)
    return sendBytes(response, headOf(mirrorFor(needs, right), ADVERTISEMENT_TYPE), VERSION_TWO);
  await requireFresh(needs, mirrorFor(needs, right).id, signal);
  const mirror = mirrorFor(needs, right);
  const head = headOf(mirror, ADVERTISEMENT_TYPE);
  await withSlot(needs.slots, reading.signal, async () => {
    const { stdout } = run(needs, mirror, { ...reading, input: null });
    const list = pipeline(stdout, advertise(), () => {});
    await sendStream(response, head, list);
  });
}

async function answerRequest(needs: ServiceNeeds, right: Granted, reading: Reading): Promise<void> {
  const { request, response, version } = reading;
  if (request.headers["content-type"] !== REQUEST_TYPE)
    throw new Refusal(415, `the request is not of the type ${REQUEST_TYPE}`);
  if (/100-continue/i.test(request.headers.expect ?? "")) response.writeContinue();
  const held = await needs.readRequest(request, request.headers, version);
  try {
    const asked = held.request;
    const mirror = mirrorFor(needs, right);
    if (asked.command === "probe") sendBytes(response, headOf(mirror, RESULT_TYPE), "");
    else if (asked.command === "ls-refs") await sendList(needs, right, asked, reading);
    else await sendPack(needs, right, asked, reading);
  } finally {
    held.release();
  }
}

async function sendList(
  needs: ServiceNeeds,
  right: Granted,
  asked: ListRequest,
  reading: Reading,
): Promise<void> {
  await requireFresh(needs, mirrorFor(needs, right).id, reading.signal);
  await sendAnswer(needs, mirrorFor(needs, right), asked, reading);
}

async function sendPack(
  needs: ServiceNeeds,
  right: Granted,
  asked: FetchRequest,
  reading: Reading,
): Promise<void> {
  const { mirror, verdict } = await withSlot(needs.checks, reading.signal, async () => {
    const { mirror, shown } = await showTips(needs, right, asked, reading);
    return { mirror, verdict: await needs.checkWants(mirror, shown, asked) };
  });
  if (verdict.kind === "allowed") return sendChecked(needs, mirror, verdict.request, reading);
  // git and GitHub say the same, whether the object is hidden or does not exist.
  const id = verdict.kind === "absent" ? verdict.ids[0]! : verdict.id;
  sendBytes(reading.response, headOf(mirror, RESULT_TYPE), errorLine(`upload-pack: not our ref ${id}`));
}

/** A reader may know a commit from elsewhere, and ask for it before the push is here. */
async function showTips(needs: ServiceNeeds, right: Granted, { wants }: FetchRequest, { signal }: Reading) {
  const mirror = mirrorFor(needs, right);
  const shown = await needs.readShown(mirror);
  if (wants.every((id) => shown.tips.has(id))) return { mirror, shown };
  await needs.ensureFresh(mirror.id, signal);
  const now = mirrorFor(needs, right);
  return { mirror: now, shown: await needs.readShown(now) };
}

/** Readers who have nothing yet, as each CI job, share one answer. */
async function sendChecked(
  needs: ServiceNeeds,
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

const sendAnswer = (
  needs: ServiceNeeds,
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
  { streamGit, timeoutMs, threads }: ServiceNeeds,
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

async function withSlot<T>(slots: Slots, signal: AbortSignal, use: () => Promise<T>): Promise<T> {
  const giveBack = await slots.take(signal);
  try {
    return await use();
  } finally {
    giveBack();
  }
}
