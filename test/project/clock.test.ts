import { expect, test, vi } from "vitest";

test("a test that leaves the clock standing …", () => {
  vi.useFakeTimers();
  expect(vi.isFakeTimers()).toBe(true);
});

test("… gives the next one a clock that goes", () => {
  expect(vi.isFakeTimers()).toBe(false);
});
