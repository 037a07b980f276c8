import { createHash } from "node:crypto";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { Readable } from "node:stream";
import { z } from "zod";
import { type Caller, TOKEN_SCOPES } from "../base/access.js";
import { isAhead } from "../base/clock.js";
import { FORWARDED, type OtherNodes, type PassedRequest } from "../http/elsewhere.js";
import type { Members } from "./members.js";
import type { Seal } from "./seal.js";

const Claim = z.object({
  to: z.string(),
  at: z.number(),
  method: z.string(),
  path: z.string(),
  /** SHA-256, in hex. */
  body: z.string(),
  caller: z.object({
    name: z.string(),
    scopes: z.array(z.enum(TOKEN_SCOPES)),
    isOperator: z.boolean(),
    /** The one repository that this request is about, if the caller may not know of every one. */
    sees: z.string().nullable(),
  }),
});

interface Ports {
  self: string;
  seal: Seal;
  members: Pick<Members, "get">;
  /** The wall clock, in milliseconds since 1970. */
  now(): number;
}

/** Passes requests of the API to other nodes, with who has sent them, and never with a token of a reader. */
export type Forwarding = Pick<OtherNodes, "forwardedBy" | "send">;

/** These headers of a request and of its answer go on; everything else is between two machines. */
const PASSED = ["accept", "content-type", "last-event-id"];
const RETURNED = ["content-type", "cache-control", "retry-after", "www-authenticate"];
const MISDIRECTED = 421;
/** While an answer is awaited, it is looked this often whether the other node is alive, in milliseconds. */
const LOOK_MS = 1_000;

const hashOf = (body: Uint8Array): string => createHash("sha256").update(body).digest("hex");

export function createForwarding({ self, seal, members, now }: Ports): Forwarding {
  function claimOf(to: string, { method, path, body }: PassedRequest, caller: Caller, fullName: string) {
    const { name, scopes, isOperator, sees } = caller;
    const said = { name, scopes, isOperator, sees: sees === null ? null : fullName };
    const claim = { to, at: now(), method, path, body: hashOf(body), caller: said };
    return Buffer.from(seal.close("forward", JSON.stringify(claim))).toString("base64url");
  }

  return {
    async send(node, request, { caller, fullName, signal }) {
      const url = members.get(node)?.url;
      if (!url) return null;
      const headers: Record<string, string> = {
        [FORWARDED]: claimOf(node, request, caller, fullName),
        "content-length": String(request.body.length),
      };
      for (const name of PASSED) headers[name] = request.headers.get(name) ?? "";
      for (const name of PASSED) if (headers[name] === "") delete headers[name];
      const gaveUp = new AbortController();
      const timer = setInterval(() => {
        if (!members.get(node)?.isAlive) gaveUp.abort();
      }, LOOK_MS);
      try {
        const answer = await ask(
          new URL(request.path, url),
          request,
          headers,
          AbortSignal.any([signal, gaveUp.signal]),
        );
        if (answer.statusCode !== MISDIRECTED) return toResponse(answer);
        answer.resume();
        return null;
      } catch {
        return null;
      } finally {
        clearInterval(timer);
      }
    },
    async forwardedBy({ method, path, headers }, readBody) {
      const header = headers.get(FORWARDED);
      const text = header === null ? null : seal.open("forward", Buffer.from(header, "base64url").toString());
      const claim = text === null ? null : Claim.parse(JSON.parse(text));
      if (claim?.to !== self || isAhead(claim.at, now()) || isAhead(now(), claim.at)) return null;
      if (claim.method !== method || claim.path !== path) return null;
      const body = await readBody();
      if (body === null || claim.body !== hashOf(body)) return null;
      const { sees, ...caller } = claim.caller;
      return { ...caller, sees: sees === null ? null : (name) => name === sees, isValid: () => true };
    },
  };
}

function ask(
  url: URL,
  { method, body }: PassedRequest,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers, signal }, resolve);
    request.on("error", reject);
    request.end(body);
  });
}

function toResponse(answer: IncomingMessage): Response {
  const headers = new Headers();
  for (const name of RETURNED) {
    const value = answer.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  const status = answer.statusCode ?? 502;
  const isEmpty = status === 204 || status === 304;
  if (isEmpty) answer.resume();
  return new Response(isEmpty ? null : (Readable.toWeb(answer) as ReadableStream), { status, headers });
}
