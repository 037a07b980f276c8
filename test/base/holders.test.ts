import { expect, test } from "vitest";
import { createHolders } from "../../src/base/holders.js";

test("a key is held until each who holds it has let go, once or more often", () => {
  const holders = createHolders<number>();
  expect(holders.isHeld(7)).toBe(false);
  const [first, second] = [holders.hold(7), holders.hold(7)];
  first();
  first();
  expect([holders.isHeld(7), holders.isHeld(8)]).toEqual([true, false]);
  second();
  expect(holders.isHeld(7)).toBe(false);
});
