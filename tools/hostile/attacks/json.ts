import type { Random } from "../../random.js";
import { type Attack, one } from "../attack.js";
import { deliveryOf } from "../request.js";
import type { Target } from "../target.js";

const DEPTHS = [10, 1_000, 20_000];
const KEYS = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "then",
  "toJSON",
  "",
  "\u0000",
];
const NUMBERS = [
  "1e999",
  "-1e999",
  "9".repeat(400),
  "0.1e-400",
  "-0",
  "9007199254740993",
  "1E400",
  "00",
  "+1",
  "NaN",
];

/** The text of a real push, with a member more at the beginning of an object. */
function withMember(target: Target, member: string, { isDeep }: { isDeep: boolean }): string {
  const text = JSON.stringify(target.genuine.live);
  return isDeep ? text.replace('"repository":{', `"repository":{${member},`) : `{${member},${text.slice(1)}`;
}

/** Payloads that are JSON, or nearly, and of an odd structure. */
const SHAPES: ((target: Target, random: Random) => string)[] = [
  (_, random) => "[".repeat(one(random, DEPTHS)),
  (_, random) => {
    const depth = one(random, DEPTHS);
    return `${'{"repository":'.repeat(depth)}1${"}".repeat(depth)}`;
  },
  (target, random) => {
    const depth = one(random, DEPTHS);
    const deep = `"commits":${"[".repeat(depth)}${"]".repeat(depth)}`;
    return withMember(target, deep, { isDeep: random.chance(0.5) });
  },
  (target, random) => withMember(target, `"id":${one(random, NUMBERS)}`, { isDeep: random.chance(0.8) }),
  // The last of two equal keys counts.
  (target, random) =>
    JSON.stringify(target.genuine.live).replace(/}$/, `,"repository":${one(random, NUMBERS)}}`),
  (target, random) => {
    const member = `${JSON.stringify(one(random, KEYS))}:{"id":1,"isAdmin":true,"full_name":"x/y"}`;
    return withMember(target, member, { isDeep: random.chance(0.5) });
  },
  (_, random) =>
    `{"repository":{"__proto__":{"id":${1 + random.below(9)}}},"installation":{"__proto__":{"id":1}}}`,
  (_, random) =>
    one(random, ["null", "true", "0", '""', "[]", "{}", "[{}]", '"push"', "-", "{", "}", "//", "undefined"]),
  (target, random) =>
    withMember(target, `"ref":"refs/heads/${"x".repeat(random.below(70_000))}"`, { isDeep: false }),
  (target, random) =>
    withMember(target, `"action":"${one(random, ["\\ud800", "\\u0000", "\\u202e", "\\n{"])}"`, {
      isDeep: false,
    }),
  (_, random) => `{${Array.from({ length: 1 + random.below(5_000) }, (_, n) => `"k${n}":${n}`).join(",")}}`,
];

/** A form has the payload in one field, if at all. */
const FORMS: ((json: string) => string)[] = [
  (json) => `payload=${encodeURIComponent(json)}`,
  (json) => `payload=${json}`,
  (json) => `payload=&payload=${encodeURIComponent(json)}`,
  (json) => `payload=${encodeURIComponent(encodeURIComponent(json))}`,
  (json) => `payload%00=${encodeURIComponent(json)}`,
  () => "payload=%E0%A4%A",
  () => "&&&&=&payload",
  () => `${"a=b&".repeat(20_000)}payload=1`,
];

export const JSON_SHAPES: Attack = {
  name: "json",
  weight: 10,
  about: "deep nesting, huge numbers, doubled keys, keys such as `__proto__`, thousands of keys, odd forms",
  make(target, draw) {
    const { random } = draw;
    const json = one(random, SHAPES)(target, random);
    const isForm = random.chance(0.25);
    const body = Buffer.from(isForm ? one(random, FORMS)(json) : json);
    const isVerified = random.chance(0.5);
    const event = one(random, ["push", "push", "repository", "pull_request", "installation", "__proto__"]);
    const type = isForm ? "application/x-www-form-urlencoded" : "application/json";
    const bytes = deliveryOf(target, draw, { event, body, type, isVerified });
    return { bytes, isVerified, expected: isVerified ? "answer" : "refusal", ending: "keep" };
  },
};
