import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { z } from "zod";
import { type Caller, TOKEN_SCOPES } from "../base/access.js";
import { FORWARDED, type OtherNodes, type PassedRequest } from "../http/elsewhere.js";
import type { Members } from "./members.js";
import {
  createSigner,
  fromHeader,
  hashOf,
  type SignerPorts,
  sendToNode,
  toHeader,
} from "./signed-request.js";

const Claim = z.object({
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

interface Ports extends SignerPorts {
  members: Pick<Members, "get">;
}

/** Passes requests of the API to other nodes, with who has sent them, and never with a token of a reader. */
export type Forwarding = Pick<OtherNodes, "forwardedBy" | "send">;

/** These headers of a request and of its answer go on; everything else is between two machines. */
const PASSED = ["accept", "content-type", "last-event-id", "x-known-parts"];
const RETURNED = ["content-type", "cache-control", "retry-after", "www-authenticate", "location"];
/** The page's note of what was done, which is no secret, goes both ways as a cookie. */
const NOTE = /lockstep-note=[^;]*/;
const MISDIRECTED = 421;
/** While an answer is awaited, it is looked this often whether the other node is alive, in milliseconds. */
const LOOK_MS = 1_000;

export function createForwarding({ members, ...ports }: Ports): Forwarding {
  const signer = createSigner(ports);
  function claimOf(to: string, { method, path, body }: PassedRequest, caller: Caller, fullName: string) {
    const { name, scopes, isOperator, sees } = caller;
    const said = { name, scopes, isOperator, sees: sees === null ? null : fullName };
    return toHeader(signer.sign("forward", to, body, { method, path, caller: said }));
  }

  return {
    async send(node, request, { caller, fullName, signal }) {
      const url = members.get(node)?.url;
      if (!url) return null;
      const headers: Record<string, string> = {
        [FORWARDED]: claimOf(node, request, caller, fullName),
      };
      for (const name of PASSED) headers[name] = request.headers.get(name) ?? "";
      const note = NOTE.exec(request.headers.get("cookie") ?? "");
      if (note) headers.cookie = note[0];
      for (const name of PASSED) if (headers[name] === "") delete headers[name];
      const gaveUp = new AbortController();
      const timer = setInterval(() => {
        if (!members.get(node)?.isAlive) gaveUp.abort();
      }, LOOK_MS);
      try {
        const answer = await sendToNode(new URL(request.path, url), {
          method: request.method,
          headers,
          body: request.body,
          signal: AbortSignal.any([signal, gaveUp.signal]),
        });
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
      const opened = signer.open("forward", fromHeader(headers.get(FORWARDED)));
      const claim = opened && Claim.parse(opened);
      if (claim?.method !== method || claim.path !== path) return null;
      const body = await readBody();
      if (body === null || claim.body !== hashOf(body)) return null;
      const { sees, ...caller } = claim.caller;
      return { ...caller, sees: sees === null ? null : (name) => name === sees, isValid: () => true };
    },
  };
}

function toResponse(answer: IncomingMessage): Response {
  const headers = new Headers();
  for (const name of RETURNED) {
    const value = answer.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  for (const cookie of answer.headers["set-cookie"] ?? [])
    if (NOTE.test(cookie)) headers.append("set-cookie", cookie);
  const status = answer.statusCode ?? 502;
  const isEmpty = status === 204 || status === 304;
  if (isEmpty) answer.resume();
  return new Response(isEmpty ? null : (Readable.toWeb(answer) as ReadableStream), { status, headers });
}
