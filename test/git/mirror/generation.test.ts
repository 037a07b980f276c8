import { expect, test } from "vitest";
import { beginChange, createMemory, generationOf } from "../../../src/git/mirror/memory.js";

test("a generation is one of before a change or of after it, and never one of both", () => {
  const memory = createMemory();
  const read = () => generationOf(memory, 7);
  const before = read();
  expect(read()).toBe(before);
  const end = beginChange(memory, 7);
  expect(new Set([before, read(), read()]).size).toBe(3);
  end();
  expect(read()).toBe(read());
  expect(read()).not.toBe(before);
  expect(generationOf(memory, 8)).toBe(generationOf(memory, 8));
});
