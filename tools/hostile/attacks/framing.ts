import type { Random } from "../../random.js";
import { type Attack, type Attempt, one } from "../attack.js";
import { type Headers, headersOf, requestOf } from "../request.js";
import { HOOK } from "../target.js";

const PATHS = [HOOK, HOOK, HOOK, "/sign-in", "/api/v1/repos", "/repos/acme/paused/resume", "/healthz", "/"];

interface Message {
  path: string;
  headers: Headers;
  body: Buffer;
}

const raw = (text: string): Buffer => Buffer.from(text, "latin1");
const chunk = (body: Buffer, size = body.length.toString(16)): Buffer =>
  Buffer.concat([raw(`${size}\r\n`), body, raw("\r\n")]);
const framed = (message: Message, framing: Headers, ...body: Buffer[]): Buffer =>
  requestOf({ ...message, framing, body: Buffer.concat(body) });
const CHUNKED: Headers = [["transfer-encoding", "chunked"]];
const END = raw("0\r\n\r\n");
/** Node closes a connection whose headers are longer than 16 KiB with a 431. */
const LONG_HEADER = 100_000;

interface Way {
  ending?: Attempt["ending"];
  bytes(message: Message, random: Random): Buffer;
}

/** Requests that end early are never complete, and whoever sends them does not wait. */
const WAYS: Way[] = [
  ...["zz", "-1", "ffffffffffffffff", "0x10", "1;".padEnd(20_000, "a"), "", " 5", "5 ", "+5", "1e9"].map(
    (size): Way => ({
      ending: "half-close",
      bytes: (message) => framed(message, CHUNKED, chunk(message.body, size), END),
    }),
  ),
  ...["-1", "99999999999999999999", "1e3", "0x5", "+5", "5, 5", "5,6", " ", "\xb2", "NaN"].map(
    (length): Way => ({
      ending: "half-close",
      bytes: (message) => framed(message, [["content-length", length]], message.body),
    }),
  ),
  {
    bytes: (message) =>
      framed(message, CHUNKED, chunk(message.body), raw("0\r\nx-hub-signature-256: x\r\n\r\n")),
  },
  { bytes: (message) => framed(message, [...CHUNKED, ["content-length", "3"]], chunk(message.body), END) },
  { bytes: (message) => framed(message, [["content-length", "3"], ...CHUNKED], chunk(message.body), END) },
  {
    ending: "half-close",
    bytes: (message) =>
      framed(
        message,
        [
          ["content-length", "3"],
          ["content-length", "5"],
        ],
        message.body,
      ),
  },
  ...["gzip, chunked", "chunked, chunked", "identity", "xchunked", "chunked\x0b", " chunked", "cHuNkEd"].map(
    (coding): Way => ({
      ending: "half-close",
      bytes: (message) => framed(message, [["transfer-encoding", coding]], chunk(message.body), END),
    }),
  ),
  {
    bytes: (message, random) => {
      const body = message.body.subarray(0, 500);
      const pieces = Array.from(body, (_, at) => chunk(body.subarray(at, at + 1)));
      return framed(message, CHUNKED, ...(random.chance(0.5) ? pieces : pieces.slice(0, 50)), END);
    },
  },
  { ending: "half-close", bytes: (message) => framed(message, CHUNKED, chunk(message.body).subarray(0, 40)) },
  { ending: "leave", bytes: (message) => framed(message, CHUNKED, chunk(message.body)) },
  { ending: "leave", bytes: (message) => framed(message, [["content-length", "1000000"]], message.body) },
  {
    ending: "leave",
    bytes: (message, random) => {
      const whole = requestOf(message);
      return whole.subarray(0, 1 + random.below(whole.length - 1));
    },
  },
  // Requests in one piece, of which only the last one ends the connection.
  {
    bytes: (message, random) => {
      const first = raw(requestOf(message).toString("latin1").replace("connection: close\r\n", ""));
      return Buffer.concat([
        ...Array.from({ length: 1 + random.below(20) }, () => first),
        requestOf(message),
      ]);
    },
  },
  // What follows a body is a request of its own, and not a part of the one before.
  {
    bytes: (message) => {
      const smuggled =
        "POST /repos/acme/paused/resume HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
      const first = framed(
        message,
        [...CHUNKED, ["content-length", String(smuggled.length)]],
        END,
        raw(smuggled),
      );
      return raw(first.toString("latin1").replace("connection: close\r\n", ""));
    },
  },
  {
    bytes: (message) =>
      requestOf({ ...message, headers: [...message.headers, ["x", "y".repeat(LONG_HEADER)]] }),
  },
  { bytes: (message) => requestOf({ ...message, path: `${message.path}?${"z".repeat(LONG_HEADER)}` }) },
  {
    ending: "half-close",
    bytes: (message) => raw(requestOf(message).toString("latin1").replaceAll("\r\n", "\n")),
  },
  {
    ending: "half-close",
    bytes: (message) => raw(requestOf(message).toString("latin1").replaceAll("\r\n", "\r")),
  },
  ...["HTTP/0.9", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "http/1.1", "XTTP/1.1", ""].map(
    (version): Way => ({
      ending: "half-close",
      bytes: (message) => raw(requestOf(message).toString("latin1").replace("HTTP/1.1", version)),
    }),
  ),
  { ending: "half-close", bytes: () => raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") },
  { ending: "half-close", bytes: () => raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") },
  {
    ending: "half-close",
    bytes: (_, random) => Buffer.from(Array.from({ length: 200 }, () => random.below(256))),
  },
  { ending: "half-close", bytes: () => raw("\r\n".repeat(2_000)) },
  { ending: "leave", bytes: () => Buffer.alloc(0) },
];

export const FRAMING: Attack = {
  name: "framing",
  weight: 10,
  about:
    "wrong chunk sizes, two lengths, wrong lengths and codings, early ends, pipelined and smuggled requests, LF alone",
  make(target, draw) {
    const { random } = draw;
    const { event, payload } = one(random, target.baits);
    const body = Buffer.from(JSON.stringify(payload));
    const headers = headersOf(target, draw, { event, body, isVerified: false });
    const { bytes, ending = "wait" } = one(random, WAYS);
    const message = { path: one(random, PATHS), headers, body };
    return { bytes: bytes(message, random), isVerified: false, expected: "anything", ending };
  },
};
