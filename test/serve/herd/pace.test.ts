import { expect, test } from "vitest";
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
