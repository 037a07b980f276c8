import { expect, test } from "vitest";
import { fitName } from "../../../src/git/disk/file-name.js";

test("a name stays as it is where there is room", () => {
  expect(fitName("@release%2F1", 32)).toBe("@release%2F1");
  expect(fitName(`@${"x".repeat(49)}`, 50)).toBe(`@${"x".repeat(49)}`);
});

test("a longer name is cut between escapes, and ends in a hash of the whole name", () => {
  for (let room = 32; room < 60; room++) {
    const names = ["a", "b"].map((end) => fitName(`@${"%E6%9C%AC".repeat(20)}${end}`, room));
    expect(new Set(names).size).toBe(2);
    for (const name of names) {
      expect(name.length).toBeLessThanOrEqual(room);
      expect(name.length).toBeGreaterThan(room - 3);
      expect(name).toMatch(/^@(%[\dA-F]{2})*@[\da-f]{16}$/);
    }
  }
});
