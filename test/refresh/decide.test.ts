import { expect, test } from "vitest";
import { REPLICA_LAG_MS } from "../../src/base/github-facts.js";
import { type RefHint, ZERO } from "../../src/base/model.js";
import { mergeHint, mergePushes } from "../../src/queue/merge.js";
import { decide, isBeforePush, turnsBack } from "../../src/refresh/decide.js";
import type { RefKnowledge } from "../../src/registry/repositories.js";

const [A, B, C] = ["a", "b", "c"].map((letter) => letter.repeat(40)) as [string, string, string];
const ref = "refs/heads/main";
const NOTHING: RefKnowledge = { pushedAt: -1, movedAt: 0, movedFrom: null };
const hint = (points: string[], pushedAt: number, ordered = true): RefHint => ({
  ref,
  points,
  pushedAt,
  ordered,
  receivedAt: 1_000,
});
const facts = (tip: string, knowledge: Partial<RefKnowledge> = {}, comparedAt = 0) => ({
  tip,
  knowledge: { ...NOTHING, ...knowledge },
  comparedAt,
});
const no = async () => false;

test("the newest delivery that fits the mirror is taken by its word", () => {
  expect(decide(hint([A, B], 10), facts(A))).toBe("word");
  expect(decide(hint([ZERO, B], 10), facts(ZERO))).toBe("word");
  expect(decide(hint([A, ZERO], 10), facts(A))).toBe("word");
  expect(decide(hint([A, B, C], 10), facts(B))).toBe("word");
});

test("what is already there needs nothing", () => {
  expect(decide(hint([A, B], 10), facts(B))).toBe("none");
  expect(decide(hint([A, ZERO], 10), facts(ZERO))).toBe("none");
});

test.each([
  ["it was pushed in the second of the last one acted on", hint([A, B], 10), facts(A, { pushedAt: 10 })],
  ["it is older than the last one acted on", hint([A, B], 9), facts(A, { pushedAt: 10 })],
  ["it is older than the last full comparison", hint([A, B], 10), facts(A, {}, 10)],
  ["the mirror is elsewhere", hint([A, B], 10), facts(C)],
  ["the ref exists that it says was created", hint([ZERO, B], 10), facts(A)],
  ["merged deliveries prove no order", hint([A, B], 10, false), facts(A)],
  ["merged deliveries prove no order, though the last one fits", hint([A, B], 10, false), facts(B)],
])("GitHub is asked by name when %s", (_, hinted, known) => {
  expect(decide(hinted, known)).toBe("name");
});

test("an answer from before the push is recognised", async () => {
  expect(await isBeforePush(hint([A, B], 10), A, facts(A), no)).toBe(true);
  expect(await isBeforePush(hint([ZERO, B], 10), ZERO, facts(ZERO), no)).toBe(true);
  expect(await isBeforePush(hint([A, B], 10), C, facts(A), async () => true)).toBe(true);
  expect(await isBeforePush(hint([A, B], 10), B, facts(A), no)).toBe(false);
  expect(await isBeforePush(hint([A, B], 10), C, facts(A), no)).toBe(false);
});

test("a ref that a push has just made or moved, and that GitHub does not show, is waited for", async () => {
  expect(await isBeforePush(hint([A, B], 10), ZERO, facts(A), no)).toBe(true);
  expect(await isBeforePush(hint([A, ZERO], 10), ZERO, facts(A), no)).toBe(false);
});

test("a delivery older than what was acted on casts no doubt on the answer", async () => {
  expect(await isBeforePush(hint([A, B], 10), A, facts(A, { pushedAt: 11 }), no)).toBe(false);
  expect(await isBeforePush(hint([A, B], 10), A, facts(A, {}, 10 + REPLICA_LAG_MS / 1000 + 1), no)).toBe(
    false,
  );
});

test("an answer that is not newer than the mirror does not outweigh a reported later push", async () => {
  const news = hint([B, C], 10);
  expect(await isBeforePush(news, A, facts(A), no)).toBe(true);
  expect(await isBeforePush(news, ZERO, facts(ZERO), no)).toBe(true);
  expect(await isBeforePush(news, A, facts(A), async () => true)).toBe(false); // it has the push already
  expect(await isBeforePush(news, A, facts(A, { pushedAt: 10 }), no)).toBe(false); // no news
  expect(await isBeforePush(news, A, { ...facts(A), comparedAt: 10 }, no)).toBe(false);
  expect(await isBeforePush(news, A, facts(B), no)).toBe(false); // a third value is the truth
});

test("an old answer never turns back a ref that a delivery has just moved", async () => {
  const moved = facts(B, { movedAt: 100_000, movedFrom: A });
  expect(await turnsBack(A, undefined, moved, 101_000, no)).toBe(true);
  expect(await turnsBack(C, undefined, moved, 101_000, async () => true)).toBe(true);
  expect(await turnsBack(A, undefined, moved, 100_001 + REPLICA_LAG_MS, no)).toBe(false);
  expect(await turnsBack(A, hint([B, A], 10), moved, 104_000, no)).toBe(false); // reported and seen
  expect(await turnsBack(B, undefined, moved, 101_000, no)).toBe(false);
});

test("deliveries merge into a chain only when their order is proven", () => {
  const push = (before: string, after: string, pushedAt: number) => ({
    ref,
    before,
    after,
    pushedAt,
    receivedAt: pushedAt * 1_000,
  });
  const first = mergeHint(undefined, push(A, B, 10), 1);
  expect(mergeHint(first, push(B, C, 11), 2)).toMatchObject({ points: [A, B, C], ordered: true });
  expect(mergeHint(first, push(B, C, 10), 2)).toMatchObject({ ordered: false });
  expect(mergeHint(first, push(C, A, 11), 2)).toMatchObject({ points: [C, A], ordered: false });
  expect(mergeHint(first, push(A, B, 10), 2)).toMatchObject({ points: [A, B], ordered: true, generation: 2 });
  const late = mergeHint(mergeHint(undefined, push(B, C, 11), 1), push(A, B, 10), 2);
  expect(late).toMatchObject({ points: [B, C], pushedAt: 11, ordered: false });
});

test("a push that comes again does not renew the patience, a later push does", () => {
  const push = { ref, before: A, after: B, pushedAt: 10, receivedAt: 10_000 };
  const first = mergeHint(undefined, push, 1);
  expect(mergeHint(first, { ...push, receivedAt: 90_000 }, 2).receivedAt).toBe(10_000);
  const next = { ref, before: B, after: C, pushedAt: 11, receivedAt: 11_500 };
  expect(mergeHint(first, next, 2).receivedAt).toBe(11_500);
  const late = mergeHint(mergeHint(undefined, next, 1), { ...push, receivedAt: 12_000 }, 2);
  expect(late).toMatchObject({ receivedAt: 11_500, rivals: [B] });
});

test("of more than 300 refs the newest push is kept, and what comes later is kept by ref again", () => {
  const pushes = Array.from({ length: 301 }, (_, n) => ({
    ref: `refs/heads/${n}`,
    before: A,
    after: B,
    pushedAt: n,
    receivedAt: n * 1_000,
  }));
  const none = { hints: [], unlisted: null };
  expect(mergePushes(none, pushes.slice(1), 1)).toMatchObject({ unlisted: null });
  const many = mergePushes(none, pushes, 1);
  expect(many).toEqual({ hints: [], unlisted: { pushedAt: 300, receivedAt: 300_000, generation: 1 } });
  const more = mergePushes(many, pushes.slice(0, 1), 2);
  expect(more.hints).toHaveLength(1);
  expect(more.unlisted).toEqual(many.unlisted);
});

test.each([
  [[false, false], false],
  [[false, true], true],
  [[true, false], true],
  [[undefined, true], true],
  [[undefined, false], undefined],
  [[false, undefined], undefined],
])("of merged deliveries that say forced %j the chain says %s", ([first, second], expected) => {
  const known = mergeHint(
    undefined,
    { ref, before: A, after: B, pushedAt: 10, receivedAt: 1_000, forced: first },
    1,
  );
  expect(known.forced).toBe(first);
  for (const pushedAt of [11, 10]) {
    const merged = mergeHint(
      known,
      { ref, before: B, after: C, pushedAt, receivedAt: 1_000, forced: second },
      2,
    );
    expect(merged.forced).toBe(expected);
  }
});
