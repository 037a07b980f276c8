import { expect, test } from "vitest";
import { createApproach } from "../../src/serve/approach.js";

test("readers are on their way until each has its pack, or has gone", () => {
  const approach = createApproach();
  expect(approach.isAny(7)).toBe(false);
  const [first, second] = [approach.enter(7), approach.enter(7)];
  first();
  first();
  expect([approach.isAny(7), approach.isAny(8)]).toEqual([true, false]);
  second();
  expect(approach.isAny(7)).toBe(false);
});
