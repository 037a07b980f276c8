import { expect, test } from "vitest";
import { createMemory, rememberTips } from "../../../src/git/mirror/memory.js";

const CHANGES = Array.from({ length: 256 }, (_, n) => [`refs/heads/${n}`, "b".repeat(40)] as const);

test("of more changes than are remembered, no ref keeps the tip that it has left", () => {
  const memory = createMemory();
  const [first, ...others] = CHANGES;
  memory.tips.set(1, new Map(others));
  rememberTips(memory, 1, [["refs/heads/left", "a".repeat(40)]]);
  rememberTips(memory, 1, [["refs/heads/left", "b".repeat(40)], ...others, first!]);
  expect(memory.tips.get(1)?.size).toBe(256);
  expect([...memory.tips.get(1)!.values()]).not.toContain("a".repeat(40));
});

test("nothing is remembered of a mirror that is no longer trusted", () => {
  const memory = createMemory();
  rememberTips(memory, 1, CHANGES);
  expect(memory.tips.has(1)).toBe(false);
});
