import type { Random } from "../../random.js";
import { type Attack, one } from "../attack.js";
import { type Headers, headersOf, requestOf } from "../request.js";
import { HOOK } from "../target.js";

const NAMES = ["x-github-event", "x-github-delivery", "x-hub-signature-256", "content-type"];
const VALUES = [
  "",
  " ",
  "\x00",
  "\x01\x7f",
  "\xff\xfe",
  "a\x0bb",
  "a\rb",
  "a\nb: c",
  "../../x",
  "__proto__",
  "constructor",
  "push, push",
  "PUSH",
  "%00",
  "application/json; charset=utf-16",
  "multipart/form-data",
  "multipart/form-data; boundary=\xff",
  "text/plain",
  "x".repeat(65),
  "x".repeat(9_000),
  "x".repeat(40_000),
];
/** Headers that proxies, browsers and libraries read. */
const ODD: Headers = [
  ["host", ""],
  ["host", "[::1"],
  ["host", "xn--"],
  ["host", "a/b"],
  ["host", "x:99999"],
  ["content-encoding", "gzip"],
  ["content-encoding", "br, gzip, \xff"],
  ["expect", "100-continue"],
  ["expect", "x"],
  ["upgrade", "websocket"],
  ["connection", "upgrade, keep-alive, close"],
  ["x-forwarded-for", "::ffff:0:1.2.3.4, [1::2, ::1%eth0, 1::2.3.4.5, ,\xff"],
  ["x-forwarded-for", Array.from({ length: 1_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`).join(",")],
  ["x-forwarded-for", "127.0.0.1"],
  ["x-forwarded-host", "evil.example"],
  ["x-http-method-override", "DELETE"],
  ["authorization", "Bearer \xff"],
  ["authorization", `Basic ${"A".repeat(4_000)}`],
  ["cookie", "lockstep=%E0%A4%A; lockstep=x.y.z; __proto__=1"],
  ["range", "bytes=9-1"],
  ["if-none-match", "*"],
  ["__proto__", "x"],
  ["\xe9", "x"],
  ["a b", "x"],
  ["", "x"],
  [" folded", "x"],
  ["trailer", "x-hub-signature-256"],
];

/** The ways to spoil the headers of a delivery. */
const WAYS: ((headers: Headers, random: Random) => Headers)[] = [
  (headers, random) => {
    const name = one(random, NAMES);
    return headers.filter((header) => header[0] !== name);
  },
  (headers, random) => {
    const name = one(random, NAMES);
    const value = one(random, VALUES);
    // The beginning of an id says whether the delivery is signed, so it stays.
    const changed = ([, old]: Headers[0]): Headers[0] => [
      name,
      name === "x-github-delivery" ? old + value : value,
    ];
    return headers.map((header) => (header[0] === name ? changed(header) : header));
  },
  (headers, random) => [...headers, [one(random, NAMES), one(random, VALUES)]],
  (headers, random) => [[one(random, NAMES), one(random, VALUES)], ...headers],
  (headers, random) => [...headers, one(random, ODD)],
  (headers, random) => [
    ...headers,
    ...Array.from({ length: random.below(2_500) }, (_, n): Headers[0] => [`x-${n}`, "y"]),
  ],
];

export const HEADERS: Attack = {
  name: "headers",
  weight: 10,
  about:
    "headers missing, doubled, empty, too long, too many, with control bytes, and those that proxies set",
  make(target, draw) {
    const { random } = draw;
    const isVerified = random.chance(0.4);
    const { event, payload } = isVerified
      ? { event: "push", payload: target.genuine.live }
      : one(random, target.baits);
    const body = Buffer.from(JSON.stringify(payload));
    const headers = one(random, WAYS)(headersOf(target, draw, { event, body, isVerified }), random);
    return {
      bytes: requestOf({ path: HOOK, headers, body }),
      isVerified,
      expected: isVerified ? "anything" : "refusal",
    };
  },
};
