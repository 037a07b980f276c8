import { expect, test } from "vitest";
import { ageOf, createSteadyClock, isAhead, startStopwatch, waitUntil } from "../../src/base/clock.js";

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

test("a stored time ahead of the clock has no age, and far ahead it was stored by a wrong clock", () => {
  expect([ageOf(NOW - 5, NOW), ageOf(NOW + HOUR, NOW)]).toEqual([5, 0]);
  expect([isAhead(NOW - HOUR, NOW), isAhead(NOW + 60_000, NOW), isAhead(NOW + HOUR, NOW)]).toEqual([
    ...[false, false, true],
  ]);
});

test("a wait that is longer than any that was stored is over", () => {
  expect(waitUntil(NOW + 500, NOW, HOUR)).toBe(500);
  expect(waitUntil(NOW - 500, NOW, HOUR)).toBe(0);
  expect(waitUntil(NOW + 2 * HOUR, NOW, HOUR)).toBe(0);
});

test("a stopwatch counts by its own clock", () => {
  let at = 7;
  const watch = startStopwatch(() => at);
  at += 5;
  expect(watch.elapsedMs()).toBe(5);
});

test("a step of the machine's clock does not move a steady clock", () => {
  const machine = { wall: 1_000_000, elapsed: 500 };
  const now = createSteadyClock(
    () => machine.wall,
    () => machine.elapsed,
  );
  expect(now()).toBe(1_000_000);
  machine.wall -= 3_600_000;
  machine.elapsed += 250;
  expect(now()).toBe(1_000_250);
});
