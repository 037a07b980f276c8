import { expect, test } from "vitest";
import { nextTurn } from "../../../src/base/slices.js";
import { createPace } from "../../../src/serve/herd/pace.js";

test("after some milliseconds of giving, other work runs before the next reader is given something", async () => {
  let now = 0;
  const pace = createPace(() => now);
  const order: string[] = [];
  await pace();
  now += 4;
  await pace();
  setImmediate(() => order.push("other work"));
  now += 2;
  const late = [1, 2].map((n) =>
    pace().then(() => {
      order.push(`reader ${n}`);
      now += 6;
    }),
  );
  await Promise.all(late);
  expect(order.filter((name) => name !== "other work")).toEqual(["reader 1", "reader 2"]);
  expect(order.indexOf("other work")).toBeLessThan(order.indexOf("reader 2"));
});

test("what is given in no time is bounded, too", async () => {
  const pace = createPace(() => 0);
  let given = 0;
  const reader = async () => {
    await pace();
    given += 1;
  };
  const all = Array.from({ length: 20 }, reader);
  const turns: number[] = [];
  for (let n = 0; n < 4; n++) {
    turns.push(given);
    await nextTurn();
  }
  expect(turns.every((count, n) => count <= 8 * (n + 1))).toBe(true);
  await Promise.all(all);
  expect(given).toBe(20);
});
