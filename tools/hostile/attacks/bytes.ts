import { gzipSync } from "node:zlib";
import type { Random } from "../../random.js";
import { type Attack, one } from "../attack.js";
import { deliveryOf } from "../request.js";
import type { Target } from "../target.js";

const MOST_BYTES = 4_096;
const LARGE_BYTES = 2 ** 20;
const LARGE_SHARE = 0.002;

function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = random.below(256);
  return bytes;
}

const textOf = ({ genuine }: Target): string => JSON.stringify(genuine.live);

/** The ways to spoil the bytes of a payload. */
const WAYS: ((target: Target, random: Random) => Buffer)[] = [
  (_, random) => randomBytes(random, random.below(MOST_BYTES)),
  () => Buffer.alloc(0),
  (_, random) => Buffer.alloc(random.below(MOST_BYTES)),
  (target, random) => Buffer.from(textOf(target).slice(0, -1 - random.below(MOST_BYTES))),
  (target) => Buffer.from(`\uFEFF${textOf(target)}`),
  (target) => Buffer.from(textOf(target), "utf16le"),
  (target) => gzipSync(textOf(target)),
  (target) => Buffer.from(`${textOf(target)}${textOf(target)}`),
  (target, random) => {
    const bytes = Buffer.from(textOf(target));
    for (let times = 1 + random.below(8); times > 0; times -= 1)
      bytes[random.below(bytes.length)] = random.below(256);
    return bytes;
  },
  // A name with bytes that are not UTF-8.
  (target, random) => {
    const bytes = Buffer.from(textOf(target).replace('"ref":"', '"ref":"########'));
    return bytes.fill(0x80 + random.below(128), bytes.indexOf("####"), bytes.indexOf("####") + 8);
  },
];

export const BYTES: Attack = {
  name: "bytes",
  weight: 10,
  about: "random bytes, cut-off, doubled, changed or compressed payloads, other encodings, bodies of a MiB",
  make(target, draw) {
    const { random } = draw;
    const isLarge = random.chance(LARGE_SHARE);
    const body = isLarge
      ? Buffer.alloc(LARGE_BYTES + random.below(4 * LARGE_BYTES), "[")
      : one(random, WAYS)(target, random);
    // An empty body is never taken for signed. A large signed one is parsed in a thread with a limit of its own, 1 GiB.
    const isVerified = random.chance(0.5) && body.length > 0 && !isLarge;
    const event = one(random, ["push", "repository", "pull_request", "installation", "ping"]);
    const type = random.chance(0.2) ? "application/x-www-form-urlencoded" : "application/json";
    const bytes = deliveryOf(target, draw, { event, body, type, isVerified });
    return { bytes, isVerified, expected: isVerified ? "answer" : "refusal", ending: "keep" };
  },
};
