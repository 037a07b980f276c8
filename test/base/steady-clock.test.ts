import { expect, test } from "vitest";
import { createSteadyClock } from "../../src/base/steady-clock.js";

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
