import { createHmac } from "node:crypto";
import type { Draw } from "./attack.js";
import { HOOK, type Target } from "./target.js";

/** Header lines in their order; the same name may come twice. */
export type Headers = [name: string, value: string][];

export interface Parts {
  method?: string;
  path: string;
  headers?: Headers;
  body?: Buffer;
  /** The headers that say how long the body is; default the right Content-Length. */
  framing?: Headers;
  /** Whether the connection goes on after the answer; default: it ends. */
  isKept?: boolean;
}

/** Returns the bytes of a request. Headers are latin-1, as Node reads them. */
export function requestOf(parts: Parts): Buffer {
  const { method = "POST", path, headers = [], body, framing, isKept = false } = parts;
  const length: Headers = framing ?? (body === undefined ? [] : [["content-length", String(body.length)]]);
  const usual: Headers = headers.some(([name]) => name.toLowerCase() === "host")
    ? []
    : [["host", "localhost"]];
  const lines = [...usual, ...headers, ...length].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${path} HTTP/1.1\r\n${lines.join("")}connection: ${isKept ? "keep-alive" : "close"}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body ?? Buffer.alloc(0)]);
}

export const signed = (body: Buffer, secret: string, algorithm = "sha256"): string =>
  `${algorithm}=${createHmac(algorithm, secret).update(body).digest("hex")}`;

/** The id of a delivery says whether Lockstep may act on it, so that the log of deliveries can be checked. */
export const idOf = ({ number }: Draw, isVerified: boolean): string =>
  `${isVerified ? VERIFIED : UNVERIFIED}-${number}`;
export const VERIFIED = "signed";
export const UNVERIFIED = "unsigned";

export interface Delivery {
  event: string;
  body: Buffer;
  type?: string;
  /** Whether it is signed with the right secret; if not, it has another's signature. */
  isVerified: boolean;
}

/** The headers of a delivery, as GitHub sends them. */
export function headersOf(
  target: Target,
  draw: Draw,
  { event, body, type = "application/json", isVerified }: Delivery,
): Headers {
  return [
    ["user-agent", "GitHub-Hookshot/044aadd"],
    ["content-type", type],
    ["x-github-event", event],
    ["x-github-delivery", idOf(draw, isVerified)],
    ["x-hub-signature-256", signed(body, isVerified ? target.secret : `not ${target.secret}`)],
  ];
}

/** Returns the bytes of a delivery that is wrong in nothing but its body, and perhaps its signature. */
export const deliveryOf = (target: Target, draw: Draw, delivery: Delivery): Buffer =>
  requestOf({ path: HOOK, headers: headersOf(target, draw, delivery), body: delivery.body, isKept: true });
