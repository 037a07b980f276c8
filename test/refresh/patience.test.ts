import { expect, test } from "vitest";
import { REPLICA_GIVES_UP_MS, REPLICA_LAG_MS } from "../../src/base/github-facts.js";
import type { RefHint } from "../../src/base/model.js";
import { compareAgainInMs, ruleOnOldAnswer } from "../../src/refresh/patience.js";

const [A, B, C] = ["a", "b", "c"].map((letter) => letter.repeat(40)) as [string, string, string];
const RECEIVED = 1_000_000;
const hint: RefHint = {
  ref: "refs/heads/main",
  points: [A, B],
  pushedAt: 10,
  ordered: true,
  receivedAt: RECEIVED,
};
/** What follows when the answer is still A, so many milliseconds after the first receipt. */
const after = (ms: number, more: Partial<Parameters<typeof ruleOnOldAnswer>[0]> = {}) =>
  ruleOnOldAnswer({ hint, answer: A, isNews: true, pushedAt: 10, now: RECEIVED + ms, ...more });
const open = (stage: "waiting" | "behind", askInMs: number) => ({
  kind: "open",
  open: { ref: hint.ref, stage, askInMs },
});

test.each([
  [0, 1_000],
  [1_000, 2_000],
  [3_100, 4_900],
  [8_000, 12_000],
  [19_900, 500],
])("%i ms after the receipt the answer is waited for, and GitHub is asked %i ms later", (age, askInMs) => {
  expect(after(age)).toEqual(open("waiting", askInMs));
});

test("after the deadline a later push by REST makes the answer the truth, an equal one does not", () => {
  expect(after(REPLICA_LAG_MS, { pushedAt: 11 })).toEqual({ kind: "accept" });
  expect(after(REPLICA_LAG_MS)).toEqual(open("behind", REPLICA_LAG_MS));
});

test("before the deadline a later push by REST changes nothing: it may be one of another ref", () => {
  expect(after(REPLICA_LAG_MS - 1, { pushedAt: 11 })).toMatchObject({ kind: "open" });
});

test("after the deadline an answer that another delivery of no proven order reported is the truth", () => {
  const unordered = { ...hint, ordered: false, rivals: [A] };
  expect(after(1_000, { hint: unordered })).toMatchObject({ kind: "open" });
  expect(after(REPLICA_LAG_MS, { hint: unordered })).toEqual({ kind: "accept" });
  expect(after(REPLICA_LAG_MS, { hint: unordered, answer: C })).toMatchObject({ kind: "open" });
});

test("after the deadline an answer is the truth when the push is no later than what was acted on", () => {
  expect(after(1_000, { isNews: false })).toMatchObject({ kind: "open" });
  expect(after(REPLICA_LAG_MS, { isNews: false })).toEqual({ kind: "accept" });
});

test("after the deadline an answer is the truth when another delivery may be of the same ref", () => {
  expect(after(1_000, { hint: { ...hint, contested: true } })).toMatchObject({ kind: "open" });
  expect(after(REPLICA_LAG_MS, { hint: { ...hint, contested: true } })).toEqual({ kind: "accept" });
});

test("the questions become rarer, at most five minutes apart, and end after a day", () => {
  expect(after(60_000)).toEqual(open("behind", 60_000));
  expect(after(3_600_000)).toEqual(open("behind", 300_000));
  expect(after(REPLICA_GIVES_UP_MS - 1)).toMatchObject({ kind: "open" });
  expect(after(REPLICA_GIVES_UP_MS)).toEqual({ kind: "abandon" });
});

test("a clock that was set back by an hour makes a push seem just received, and no more", () => {
  expect(after(-3_600_000)).toEqual(open("waiting", 1_000));
});

test("refs too many to name are compared once more when replicas have had their time", () => {
  expect(compareAgainInMs({ receivedAt: RECEIVED }, RECEIVED + 5_000)).toBe(15_000);
  expect(compareAgainInMs({ receivedAt: RECEIVED }, RECEIVED + REPLICA_LAG_MS)).toBeNull();
  expect(compareAgainInMs(null, RECEIVED)).toBeNull();
  expect(compareAgainInMs({ receivedAt: RECEIVED }, RECEIVED - 3_600_000)).toBe(REPLICA_LAG_MS);
});
