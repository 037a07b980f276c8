import { expect, test } from "vitest";
import { settleWithin } from "../../src/base/within.js";

test("what comes in time is returned or thrown, and what does not is an error", async () => {
  expect(await settleWithin(10_000, Promise.resolve(1))).toBe(1);
  await expect(settleWithin(10_000, Promise.reject(new Error("no")))).rejects.toThrow("no");
  await expect(settleWithin(1, new Promise(() => {}))).rejects.toThrow("no answer within 1 ms");
});
