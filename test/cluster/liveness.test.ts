import { expect, test } from "vitest";
import { createLiveness } from "../../src/cluster/liveness.js";

const DEAD_MS = 10_000;

/** A node that reads Redis every two seconds, and hears b each time. */
function reading() {
  const clock = { now: 5_000 };
  const liveness = createLiveness({ deadMs: DEAD_MS, clock: () => clock.now });
  const readAfter = (ms: number, ...heard: string[]) => {
    clock.now += ms;
    liveness.read(heard);
    return liveness.silentMs("b");
  };
  readAfter(0, "b");
  readAfter(2_000, "b");
  return { liveness, readAfter };
}

test("a node whose beats no longer change is silent for the time of the readings since", () => {
  const { readAfter } = reading();
  const silent = [1, 2, 3, 4, 5].map(() => readAfter(2_000));
  expect(silent).toEqual([2_000, 4_000, 6_000, 8_000, 10_000]);
  expect(readAfter(2_000, "b")).toBe(0);
});

test("what holds this node or Redis up for nearly NODE_DEAD has nobody dead, since it held up the beats too", () => {
  const { readAfter } = reading();
  // b would have beaten within these two seconds; then nobody could, and this node reads before b beats.
  expect(readAfter(1_999)).toBe(1_999);
  expect(readAfter(9_999)).toBeLessThan(DEAD_MS);
  expect(readAfter(2_000, "b")).toBe(0);
});

test("a silence that began before a break in the readings counts from its end", () => {
  const { readAfter } = reading();
  expect(readAfter(8_000)).toBe(5_000);
  expect(readAfter(10_001)).toBe(0);
  expect(readAfter(2_000)).toBe(2_000);
});

test("before the first reading nobody is silent, and a node that was never heard of is so since that reading", () => {
  const clock = { now: 7 };
  const liveness = createLiveness({ deadMs: DEAD_MS, clock: () => clock.now });
  expect([liveness.silentMs("c"), liveness.hasReached()]).toEqual([0, false]);
  liveness.read([]);
  expect([liveness.silentMs("c"), liveness.hasReached()]).toEqual([0, true]);
  clock.now += 3_000;
  liveness.read([]);
  expect(liveness.silentMs("c")).toBe(3_000);
});
