import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline, type Readable, Transform } from "node:stream";
import type { Log } from "../base/log.js";
import { sendRefusal } from "./answer.js";
import type { NodeCall } from "./other-nodes.js";
import { Refusal } from "./refusal.js";
import type { AnswerReader } from "./service.js";

/** What another node has signed: whose request it is, and the SHA-256 of its body in hex. */
export type SignedCall = Omit<NodeCall, "body"> & { isPack: boolean; bodyHash: string };

interface Ports {
  /** Whether the request is one that nodes send for their readers. */
  isOurs(request: IncomingMessage): boolean;
  /** @returns null: no node of this cluster has signed the request for this node */
  open(request: IncomingMessage): SignedCall | null;
  answer: AnswerReader;
  log: Log;
  /** A node whose git is at work, or waits for its turn, says so this often, in milliseconds. Default: ten seconds. */
  aliveMs?: number;
}

const ALIVE_MS = 10_000;

/**
 * Answers readers whom another node has judged, and passed on: from this node's mirror, or not at all.
 * @returns a handler; it resolves to false for any other request
 */
export function createPassedOn({ isOurs, open, answer, log, aliveMs = ALIVE_MS }: Ports) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    if (!isOurs(request)) return false;
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    // Without a listener, an error of the connection would end the process.
    request.on("error", () => {});
    response.on("error", () => {});
    // 102 is an answer before the answer: https://www.rfc-editor.org/rfc/rfc2518#section-10.1
    const alive = setInterval(() => {
      if (!response.headersSent) response.writeProcessing();
    }, aliveMs);
    try {
      const call = open(request);
      if (call === null) throw new Refusal(403, "only nodes of this cluster may read");
      await answer({ ...asked(call, request), request, response, signal: gone.signal });
    } catch (error) {
      if (!(error instanceof Refusal) && !gone.signal.aborted)
        log.warn({ event: "serve_failed", err: error }, "a reader of a mirror got no complete answer");
      sendRefusal(response, error instanceof Refusal ? error : new Refusal(503, "git failed"));
    } finally {
      clearInterval(alive);
    }
    return true;
  };
}

function asked(call: SignedCall, request: IncomingMessage) {
  const { repositoryId, owner, name, reader, way, version, isPack, bodyHash } = call;
  return {
    route: { act: isPack ? "pack" : "refs", owner, name } as const,
    right: { kind: "yes", repositoryId, reader, way } as const,
    version,
    body: checked(request, bodyHash),
    isPassedOn: true,
  };
}

/** @returns the body, which fails at its end if it is not the one that was signed */
function checked(body: Readable, hash: string): Readable {
  const sum = createHash("sha256");
  const check = new Transform({
    transform(chunk: Buffer, _, done) {
      sum.update(chunk);
      done(null, chunk);
    },
    flush: (done) =>
      done(sum.digest("hex") === hash ? null : new Refusal(403, "only nodes of this cluster may read")),
  });
  return pipeline(body, check, () => {});
}
