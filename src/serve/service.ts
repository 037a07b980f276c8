import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { ADVERTISEMENT_TYPE, VERSION_TWO } from "./advertisement.js";
import { RESULT_TYPE, sendBytes, sendDenied, sendStream } from "./answer.js";
import type { Bring } from "./bring.js";
import { sendDefaultBranch, sendHashAlgorithm } from "./default-branch.js";
import type { EnsureFresh } from "./ensure.js";
import {
  headOf,
  type MirrorNeeds,
  type Reading,
  type ServedMirror,
  sendList,
  sendPack,
  sendRefs,
} from "./from-mirror.js";
import { sendBatch } from "./lfs/batch.js";
import { sendObject } from "./lfs/object.js";
import type { LfsPorts } from "./lfs/ports.js";
import { askOtherNodes, type OtherNodes } from "./other-nodes.js";
import { type Passed, type PassPorts, passThrough } from "./pass-through.js";
import { errorLine } from "./pktline.js";
import { Refusal } from "./refusal.js";
import type { ReadRequest } from "./request/body.js";
import type { FetchRequest, ListRequest } from "./request/form.js";
import { versionOf } from "./request/version.js";
import { writeRequest } from "./request/write.js";
import { authorizationOf } from "./rights/header.js";
import type { Granted, Rights } from "./rights.js";
import { type Route, routeOf } from "./route.js";
import { type SeenPorts, watch } from "./seen/requests.js";
import type { Shown } from "./shown.js";
import { type Slots, withSlot } from "./slots.js";
import type { CheckWants } from "./wants/check.js";

export interface ServiceNeeds extends MirrorNeeds {
  rights: Rights;
  /** Returns the address of the reader, behind the operator's own proxies. */
  addressOf(request: IncomingMessage): string;
  /** @returns null: no mirror can be read now */
  openMirror(repositoryId: number): ServedMirror | null;
  readShown(mirror: ServedMirror): Promise<Shown>;
  ensureFresh: EnsureFresh;
  checkWants: CheckWants;
  /** Fetches what GitHub has and the mirror lacks. */
  bring: Bring["bring"];
  readRequest: ReadRequest;
  /** Limits the programs that check. */
  checks: Slots;
  pass: PassPorts;
  /** Nodes that may answer in this one's place; null: this Lockstep is alone. */
  others: OtherNodes | null;
  lfs: LfsPorts;
  seen: SeenPorts;
  /** How readers reach this server, also where a proxy in front ends TLS. */
  scheme: "http" | "https";
}

/** A request of a reader who may read the repository. */
interface Allowed extends Reading {
  route: Route;
  right: Granted;
  /** What the reader sends, as it arrives. */
  body: Readable;
  /** Whether another node has judged the reader, and passed the request on. */
  isPassedOn: boolean;
  /** Called when the pack is on its way. */
  arrive(): void;
}

/** Answers one request of a reader. */
export type Service = (
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
) => Promise<void>;

const REQUEST_TYPE = "application/x-git-upload-pack-request";

/**
 * Serves mirrors over git's smart HTTP protocol, for reading alone: gitprotocol-http(5).
 * @throws Refusal, or what git fails with
 */
export function createService(needs: ServiceNeeds): Service {
  return async (request, response, signal) => {
    await needs.turn();
    const route = routeOf(request.method ?? "", request.url ?? "", originOf(needs, request));
    const right = await judge(needs, route, request);
    watch(needs.seen, { request, response, route, right, address: needs.addressOf(request) });
    if (right.kind === "no") return sendDenied(response, right);
    const version = versionOf(request.headers["git-protocol"]);
    const asked = { request, response, version, signal, route, right, body: request, isPassedOn: false };
    return answerReader(needs, asked);
  };
}

/** Answers a request whose reader's right is proven. @throws Refusal, or what git fails with */
export type AnswerReader = (asked: Omit<Allowed, "arrive">) => Promise<void>;

/** Answers readers whom another node has judged. */
export const createAnswerReader =
  (needs: ServiceNeeds): AnswerReader =>
  async (asked) => {
    await needs.turn();
    return answerReader(needs, asked);
  };

function answerReader(needs: ServiceNeeds, asked: Omit<Allowed, "arrive">): Promise<void> {
  const { repositoryId } = asked.right;
  const arrive = repositoryId === null ? () => {} : needs.approaching.hold(repositoryId);
  return ANSWERS[asked.route.act](needs, { ...asked, arrive }).finally(arrive);
}

const ANSWERS: Record<Route["act"], (needs: ServiceNeeds, allowed: Allowed) => Promise<void>> = {
  refs: answerRefs,
  pack: answerRequest,
  async branch(needs, allowed) {
    const mirror = await freshMirror(needs, allowed);
    const ask = (body: Buffer) => openElsewhere(needs, { ...allowed, version: 2 }, body);
    return sendDefaultBranch({ ...needs, ask }, mirror, allowed);
  },
  format: async (needs, allowed) => sendHashAlgorithm(await mirrorOf(needs, allowed), allowed),
  batch: (needs, allowed) => sendBatch(needs.lfs, allowed, originOf(needs, allowed.request)),
  object({ lfs }, allowed) {
    const [, oid = "", query = ""] = /([0-9a-f]{64})\?(.*)$/.exec(allowed.request.url ?? "") ?? [];
    return sendObject(lfs, allowed, { oid, query });
  },
};

const judge = ({ rights, addressOf }: ServiceNeeds, { owner, name }: Route, request: IncomingMessage) =>
  rights.judge({ owner, name, authorization: authorizationOf(request), address: addressOf(request) });

/** Characters of a host and its port. */
const HOST = /^[\w.:[\]-]{1,255}$/;

/** @returns what the reader calls this server */
function originOf({ scheme }: Pick<ServiceNeeds, "scheme">, { headers }: IncomingMessage): string {
  const { host = "" } = headers;
  return `${scheme}://${HOST.test(host) ? host : "this-server"}`;
}

/** To open a mirror takes a millisecond, and a crowd opens it at once. */
async function mirrorOf(
  { openMirror, turn }: ServiceNeeds,
  { right }: Allowed,
): Promise<ServedMirror | null> {
  if (right.repositoryId === null) return null;
  await turn();
  return openMirror(right.repositoryId);
}

/** After a delivery's 202 no reader gets an older answer. @returns null: GitHub must answer */
async function freshMirror(needs: ServiceNeeds, allowed: Allowed): Promise<ServedMirror | null> {
  const mirror = await mirrorOf(needs, allowed);
  if (mirror === null || !(await needs.ensureFresh(mirror.id, allowed.signal))) return null;
  // A clone may have replaced the mirror meanwhile.
  return mirrorOf(needs, allowed);
}

/**
 * Has another node answer what this node's mirror cannot, else GitHub. What was passed on here is answered by this node's
 * mirror or by nobody: the node that has the reader's credentials asks the next one. @throws Refusal
 */
async function answerElsewhere(needs: ServiceNeeds, allowed: Allowed, asked: Passed["asked"]): Promise<void> {
  const body = asked === null ? null : Buffer.from(writeRequest(asked), "latin1");
  const answer = await openElsewhere(needs, allowed, body);
  if (answer === null) return passThrough(needs.pass, { ...allowed, asked });
  await sendStream(allowed.response, answer.head, answer.stream);
}

function openElsewhere({ others }: ServiceNeeds, allowed: Allowed, body: Buffer | null) {
  if (allowed.isPassedOn) throw new Refusal(421, "this node does not have the mirror in step");
  return others && askOtherNodes(others, allowed, body);
}

async function answerRefs(needs: ServiceNeeds, allowed: Allowed): Promise<void> {
  const { version, response } = allowed;
  if (version === 2)
    return sendBytes(response, headOf(await mirrorOf(needs, allowed), ADVERTISEMENT_TYPE), VERSION_TWO);
  const mirror = await freshMirror(needs, allowed);
  if (mirror === null) return answerElsewhere(needs, allowed, null);
  return sendRefs(needs, mirror, allowed);
}

async function answerRequest(needs: ServiceNeeds, allowed: Allowed): Promise<void> {
  const { request, response, version, body } = allowed;
  if (request.headers["content-type"] !== REQUEST_TYPE)
    throw new Refusal(415, `the request is not of the type ${REQUEST_TYPE}`);
  if (/100-continue/i.test(request.headers.expect ?? "")) response.writeContinue();
  const held = await needs.readRequest(body, request.headers, version);
  try {
    const asked = held.request;
    if (asked.command === "probe")
      sendBytes(response, headOf(await mirrorOf(needs, allowed), RESULT_TYPE), "");
    else if (asked.command === "ls-refs") await answerList(needs, allowed, asked);
    else await answerFetch(needs, allowed, asked);
  } finally {
    held.release();
  }
}

async function answerList(needs: ServiceNeeds, allowed: Allowed, asked: ListRequest): Promise<void> {
  const mirror = await freshMirror(needs, allowed);
  if (mirror === null) return answerElsewhere(needs, allowed, asked);
  if (isElsewhere(asked, await needs.readShown(mirror))) {
    const isAnswered = await passThrough(needs.pass, { ...allowed, asked }).then(
      () => true,
      (error) => {
        // The mirror has nothing to wait for, and answers while GitHub cannot.
        if (!(error instanceof Refusal) || error.status !== 503 || allowed.response.headersSent) throw error;
        return false;
      },
    );
    if (isAnswered) return;
  }
  await sendList(needs, mirror, asked, allowed);
}

/** More prefixes than this are not compared with every ref. */
const MAX_COMPARED = 16;

/** Refs of pull requests have no webhook, and a name that the mirror does not know may be one of GitHub's. */
function isElsewhere({ prefixes }: ListRequest, { refs }: Shown): boolean {
  if (prefixes.some((prefix) => prefix.startsWith("refs/pull/"))) return true;
  if (prefixes.length === 0 || prefixes.length > MAX_COMPARED) return false;
  for (const ref of refs.keys()) if (prefixes.some((prefix) => ref.startsWith(prefix))) return false;
  return true;
}

async function answerFetch(needs: ServiceNeeds, allowed: Allowed, asked: FetchRequest): Promise<void> {
  const found = await findTips(needs, allowed, asked);
  if (found === null) return answerElsewhere(needs, allowed, asked);
  const checked = await checkOrBring(needs, allowed, { ...found, asked });
  if (checked === null) return answerElsewhere(needs, allowed, asked);
  const { mirror, verdict } = checked;
  allowed.arrive();
  if (verdict.kind === "allowed") return sendPack(needs, mirror, verdict.request, allowed);
  // git and GitHub say the same, whether the object is hidden or does not exist.
  const refused = errorLine(`upload-pack: not our ref ${verdict.id}`);
  sendBytes(allowed.response, headOf(mirror, RESULT_TYPE), refused);
}

interface Wanted {
  mirror: ServedMirror;
  shown: Shown;
  asked: FetchRequest;
}

/** @returns null: GitHub has what is wanted, and the mirror does not have it in time */
async function checkOrBring(needs: ServiceNeeds, allowed: Allowed, wanted: Wanted) {
  const { mirror, asked } = wanted;
  const verdict = await check(needs, allowed, wanted);
  if (verdict.kind !== "absent") return { mirror, verdict };
  if (!(await needs.bring(mirror.id, verdict.ids, allowed.signal))) return null;
  // A clone may have replaced the mirror meanwhile.
  const now = await mirrorOf(needs, allowed);
  if (now === null) return null;
  const second = await check(needs, allowed, { mirror: now, shown: await needs.readShown(now), asked });
  return second.kind === "absent" ? null : { mirror: { ...now, isFetched: true }, verdict: second };
}

const check = (needs: ServiceNeeds, { signal, right }: Allowed, { mirror, shown, asked }: Wanted) =>
  needs.checkWants(
    { mirror, shown, reader: right.reader, look: (act) => withSlot(needs.checks, signal, act) },
    asked,
  );

/** A reader may know a commit from elsewhere, and ask for it before the push is here. */
async function findTips(needs: ServiceNeeds, allowed: Allowed, { wants }: FetchRequest) {
  const mirror = await mirrorOf(needs, allowed);
  if (mirror === null) return null;
  const shown = await needs.readShown(mirror);
  if (wants.every((id) => shown.tips.has(id))) return { mirror, shown };
  await needs.ensureFresh(mirror.id, allowed.signal);
  const now = await mirrorOf(needs, allowed);
  return now && { mirror: now, shown: await needs.readShown(now) };
}
