import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { readUpTo } from "../../src/base/read-up-to.js";

const pieces = (count: number) => Array.from({ length: count }, () => Buffer.from("x"));

test("a body of exactly the limit is read, a longer one is not read to its end", async () => {
  let given = 0;
  async function* body(count: number) {
    for (const piece of pieces(count)) {
      given++;
      yield piece;
    }
  }
  expect((await readUpTo(body(10), 10))?.toString()).toBe("x".repeat(10));
  given = 0;
  expect(await readUpTo(body(1_000), 10)).toBeNull();
  expect(given).toBe(11);
});

test("other work runs while a body comes in many pieces", async () => {
  let [turns, isDone] = [0, false];
  const count = () => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  async function* slow() {
    for (const piece of pieces(100)) {
      const until = performance.now() + 1;
      while (performance.now() < until);
      yield piece;
    }
  }
  expect((await readUpTo(slow(), 1_000))?.length).toBe(100);
  isDone = true;
  expect(turns).toBeGreaterThanOrEqual(5);
});

test("the error of a body that breaks off is passed on", async () => {
  const body = Readable.from(
    (async function* () {
      yield Buffer.from("x");
      throw new Error("broke off");
    })(),
  );
  await expect(readUpTo(body, 10)).rejects.toThrow("broke off");
});
