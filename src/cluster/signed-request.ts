import { createHash } from "node:crypto";
import { Agent, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps, Agent as SecureAgent } from "node:https";
import { isAhead } from "../base/clock.js";
import type { Purpose, Seal } from "./seal.js";

/** What one node signs for another one in the header of a request, besides what the kind of request needs. */
interface Claim {
  /** The name of the node that is to answer. */
  to: string;
  /** SHA-256 of the body, in hex. */
  body: string;
  /** The clock of the node that asks, in milliseconds since 1970. */
  at: number;
}

export interface SignerPorts {
  /** This node's name. */
  self: string;
  seal: Seal;
  /** The wall clock, in milliseconds since 1970. */
  now(): number;
}

/** Signs requests from node to node, so that a node knows who asks before it reads a byte of the body. */
export interface Signer {
  /** @returns the claim, signed @param said what the receiver is to know besides */
  sign(purpose: Purpose, to: string, body: Uint8Array | string, said: object): string;
  /**
   * Returns what a node has signed for this one within the last minutes, as JSON that the caller checks; null: nobody has.
   * The body must still be compared with `body`.
   */
  open(purpose: Purpose, signed: unknown): (Claim & Record<string, unknown>) | null;
}

export const hashOf = (body: Uint8Array | string): string => createHash("sha256").update(body).digest("hex");

export function createSigner({ self, seal, now }: SignerPorts): Signer {
  return {
    sign(purpose, to, body, said) {
      const claim: Claim = { to, body: hashOf(body), at: now() };
      return seal.close(purpose, JSON.stringify({ ...said, ...claim }));
    },
    open(purpose, signed) {
      const text = typeof signed === "string" ? seal.open(purpose, signed) : null;
      if (text === null) return null;
      const claim = JSON.parse(text) as Claim & Record<string, unknown>;
      const isOfNow = !isAhead(claim.at, now()) && !isAhead(now(), claim.at);
      return claim.to === self && isOfNow ? claim : null;
    },
  };
}

/** A header has ASCII alone, and a claim may have any text. */
export const toHeader = (signed: string): string => Buffer.from(signed).toString("base64url");

export const fromHeader = (header: unknown): string | null =>
  typeof header === "string" ? Buffer.from(header, "base64url").toString() : null;

/** As of the agent that Node uses otherwise: a connection that is idle for longer is closed here, before the other node closes it. */
const AGENT = { keepAlive: true, scheduling: "lifo", timeout: 5_000 } as const;
/** Nodes reach each other without HTTPS_PROXY, which is the way to GitHub. */
const AGENTS = { http: new Agent(AGENT), https: new SecureAgent(AGENT) };

export interface NodeRequest {
  method: string;
  headers: Record<string, string>;
  body: Uint8Array | string | null;
  signal: AbortSignal;
  /** Called when the other node says that it is still at work. */
  onAlive?(): void;
}

/**
 * Sends a request to another node, and follows no redirect. @returns the answer, as soon as its head is there
 * @throws what the connection fails with; the signal's reason
 */
export function sendToNode(url: URL, asked: NodeRequest): Promise<IncomingMessage> {
  const { method, headers, body, signal, onAlive } = asked;
  const isSecure = url.protocol === "https:";
  const send = isSecure ? requestHttps : requestHttp;
  const length: Record<string, string> =
    body === null ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const options = { method, headers: { ...headers, ...length }, signal };
  return new Promise((resolve, reject) => {
    const request = send(url, { ...options, agent: isSecure ? AGENTS.https : AGENTS.http }, resolve);
    if (onAlive) request.on("information", onAlive);
    request.on("error", reject);
    request.end(body ?? undefined);
  });
}
