import { expect, test } from "vitest";
import { createSignal } from "../../src/base/signal.js";

test("listeners are called at once, in their order, until they are taken away", () => {
  const { emit, on } = createSignal<[id: number, word: string]>();
  const heard: string[] = [];
  const leave = on((id, word) => heard.push(`first ${id} ${word}`));
  on((id) => heard.push(`second ${id}`));
  emit(1, "a");
  leave();
  emit(2, "b");
  expect(heard).toEqual(["first 1 a", "second 1", "second 2"]);
});

test("a listener that leaves while it is called takes nothing from the others", () => {
  const { emit, on } = createSignal<[]>();
  let calls = 0;
  const leave = on(() => leave());
  on(() => void calls++);
  emit();
  emit();
  expect(calls).toBe(2);
});

test("an error that a listener throws reaches the emitter", () => {
  const { emit, on } = createSignal<[]>();
  on(() => {
    throw new Error("no");
  });
  expect(() => emit()).toThrow("no");
});
