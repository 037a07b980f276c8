import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { asRefreshError, type RefreshError } from "../base/errors.js";
import type { ReaderCall } from "../git/transport/reader.js";
import type { Target } from "../git/transport/upstream.js";
import { ADVERTISEMENT_TYPE, advertise } from "./advertisement.js";
import { type Head, RESULT_TYPE, sendStream } from "./answer.js";
import { type Herd, MAX_SHARED } from "./herd/table.js";
import { Refusal } from "./refusal.js";
import type { FetchRequest, ListRequest, Version } from "./request/form.js";
import { writeRequest } from "./request/write.js";
import { readCredential } from "./rights/credential.js";
import { authorizationOf } from "./rights/header.js";
import type { Granted } from "./rights.js";
import type { Route } from "./route.js";
import type { Slots } from "./slots.js";

export interface PassPorts {
  /** Sends a request to GitHub. @returns the answer's body @throws RefreshError */
  send(target: Target, call: ReaderCall): Promise<Readable>;
  /** The managed repository at GitHub, under its name of now; null: it is not managed any more. */
  targetOf(repositoryId: number): Target | null;
  /** Limits how many readers GitHub answers at a time. */
  passing: Slots;
  herd: Herd;
}

/** A request that GitHub answers in the mirror's place. */
export interface Passed {
  request: IncomingMessage;
  response: ServerResponse;
  route: Route;
  right: Granted;
  version: Version;
  /** The request; null: the list of refs of versions 0 and 1. */
  asked: FetchRequest | ListRequest | null;
  signal: AbortSignal;
}

/**
 * Lets GitHub answer what the mirror cannot: with the reader's own credentials where GitHub has judged them, else with the
 * App's, for a managed repository alone. Only status and body come back.
 * @throws Refusal
 */
export async function passThrough(ports: PassPorts, passed: Passed): Promise<void> {
  const { asked, response, signal } = passed;
  const target = targetFor(ports, passed);
  const body = asked === null ? null : Buffer.from(writeRequest(asked), "latin1");
  const call = { body, version: passed.version, authorization: ownCredentials(passed) };
  const produce = async (producing: AbortSignal) => {
    const giveBack = await ports.passing.take(producing);
    try {
      const stream = await ports.send(target, { ...call, signal: producing });
      stream.once("close", giveBack);
      return stream;
    } catch (error) {
      giveBack();
      throw error instanceof Refusal ? error : asRefusal(asRefreshError(error));
    }
  };
  const key =
    body && body.length <= MAX_SHARED && canShare(asked)
      ? ["github", target.owner, target.name, call.version, body.toString("latin1")]
      : null;
  const answer = key
    ? ports.herd.answer(key.join(" "), produce)
    : { stream: await produce(signal), isShared: false };
  const head: Head = {
    type: body === null ? ADVERTISEMENT_TYPE : RESULT_TYPE,
    source: "github",
    provenAt: null,
    isShared: answer.isShared,
  };
  const stream = body === null ? pipeline(answer.stream, advertise(), () => {}) : answer.stream;
  await sendStream(response, head, stream);
}

/** The refs that such a request depends on may change. */
const canShare = (asked: Passed["asked"]): boolean =>
  asked?.command === "fetch" &&
  asked.haves.length === 0 &&
  asked.not.length === 0 &&
  !asked.options.has("include-tag");

/** @throws Refusal 404 when the repository is not managed, and GitHub has not judged the right */
export function targetFor(
  { targetOf }: Pick<PassPorts, "targetOf">,
  { route, right }: Pick<Passed, "route" | "right">,
): Target {
  const { owner, name } = route;
  if (right.repositoryId !== null) {
    const target = targetOf(right.repositoryId);
    if (target !== null) return target;
  } else if (right.way === "github" || right.way === "public") return { owner, name, installationId: null };
  throw new Refusal(404, "not found");
}

/** Credentials that GitHub has not judged are none of GitHub's; those that it has are sent as it got them then. */
export function ownCredentials({ right, request }: Pick<Passed, "right" | "request">): string | null {
  if (right.way !== "github") return null;
  const credential = readCredential(authorizationOf(request), null);
  return credential.kind === "github" ? credential.authorization : null;
}

const RETRY_S = 10;

export function asRefusal({ code, retry }: RefreshError): Refusal {
  if (code === "unauthorized") return new Refusal(401, "credentials are needed");
  if (code === "forbidden" || code === "not_found" || code === "moved") return new Refusal(404, "not found");
  const retryS = retry.kind === "after" ? Math.ceil(retry.ms / 1_000) : RETRY_S;
  return new Refusal(503, "GitHub cannot answer now", retryS);
}
