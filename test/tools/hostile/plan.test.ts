import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { ATTACKS } from "../../../tools/hostile/attacks/index.js";
import { baitsFor } from "../../../tools/hostile/baits.js";
import { planOf } from "../../../tools/hostile/plan.js";
import { signed } from "../../../tools/hostile/request.js";
import type { Json, Target } from "../../../tools/hostile/target.js";

type Examples = { name: string; examples: Json[] }[];
const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as Examples;
const push = examples.find(({ name }) => name === "push")!.examples[0]!;
const target = (): Target => ({
  port: 1,
  secret: "the right one",
  token: "token",
  cookie: "lockstep=x",
  genuine: { live: push },
  baits: baitsFor([push]),
  examples,
  serving: { port: 2, token: "git token", tips: ["1".repeat(40)], hidden: [] },
  confidential: [],
});
const WEIGHTS = ATTACKS.reduce((sum, { weight }) => sum + weight, 0);
const COUNT = 20 * WEIGHTS;

const requestsOf = (seed: number) => {
  const [plan, aim] = [planOf(ATTACKS, seed), target()];
  return Array.from({ length: COUNT }, (_, number) => {
    const planned = plan(number);
    return { name: planned.attack.name, turn: planned.turn, ...planned.attack.make(aim, planned) };
  });
};

test("a request depends on the seed and its number alone", () => {
  const number = 1_111;
  const planned = planOf(ATTACKS, 7)(number);
  const again = planned.attack.make(target(), planned);
  const all = requestsOf(7);
  expect(again.bytes.equals(all[number]!.bytes)).toBe(true);
  expect(requestsOf(8)[number]!.bytes.equals(all[number]!.bytes)).toBe(false);
});

test("each kind has its share, and counts its own turns", () => {
  const all = requestsOf(7);
  for (const { name, weight } of ATTACKS) {
    const turns = all.filter((request) => request.name === name).map(({ turn }) => turn);
    expect(turns, name).toEqual(turns.map((_, index) => index));
    expect(turns.length, name).toBe((COUNT / WEIGHTS) * weight);
  }
});

test("a delivery is rightly signed exactly if it is called verified", () => {
  const kinds = ["bytes", "json", "fields", "signatures"];
  for (const { name, bytes, isVerified, expected } of requestsOf(9).filter(({ name }) =>
    kinds.includes(name),
  )) {
    const [head = ""] = bytes.toString("latin1").split("\r\n\r\n", 1);
    const body = bytes.subarray(head.length + 4);
    const signature = /^x-hub-signature-256: (.*)$/m.exec(head)?.[1]?.trim() ?? "";
    expect(signature === signed(body, "the right one"), `${name}: ${head}`).toBe(isVerified);
    expect(/x-github-delivery: (\w+)-/.exec(head)?.[1]).toBe(isVerified ? "signed" : "unsigned");
    expect(expected).toBe(isVerified ? "answer" : "refusal");
  }
});
