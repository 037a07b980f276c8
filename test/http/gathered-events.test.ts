import { expect, test } from "vitest";
import type { Announcement } from "../../src/base/model.js";
import { createRepeats, readPositions, writePositions } from "../../src/http/gathered-events.js";

const APP = { id: 7, owner: "acme", name: "app" };
const event = (after: string, more: Partial<Announcement> = {}) =>
  ({
    ...{ type: "changed", repository: APP, checkouts: [], refused: [], holds: [], truncated: false },
    ...{ attributes: null, reason: null },
    changes: [{ ref: "refs/heads/main", before: "x", after }],
    ...more,
  }) as unknown as Announcement;

test("an id names a place at each node, and nothing else is an id", () => {
  const text = "node-1:42,b:0";
  expect(writePositions(readPositions(text)!)).toBe(text);
  for (const wrong of [
    "",
    "42",
    "a:",
    ":1",
    "a:1,",
    "a:1;b:2",
    "A:1",
    "a:-1",
    "a:1\nb:2",
    `a:${"1".repeat(16)}`,
  ])
    expect(readPositions(wrong), wrong).toBeNull();
  expect(readPositions(Array.from({ length: 2_000 }, (_, n) => `n${n}:1`).join(","))).toBeNull();
});

test("the same news from a second node is left out, and what goes there and back is not", () => {
  const isRepeat = createRepeats();
  const said = ["a", "a", "b", "a", "a"].map((after) => isRepeat(event(after)));
  expect(said).toEqual([false, true, false, false, true]);
});

test("an event is left out only if all of it was said", () => {
  const isRepeat = createRepeats();
  isRepeat(event("a"));
  const both = [
    { ref: "refs/heads/main", before: "x", after: "a" },
    { ref: "refs/heads/side", before: "x", after: "b" },
  ];
  expect(isRepeat(event("a", { changes: both }))).toBe(false);
  expect(isRepeat(event("a", { truncated: true }))).toBe(false);
  expect(isRepeat(event("", { type: "cloned", changes: [] }))).toBe(false);
  expect(isRepeat(event("a", { repository: { ...APP, id: 8 } }))).toBe(false);
});
