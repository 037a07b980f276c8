import { expect, test } from "vitest";
import { openQueue, push, pushed, repository } from "../support/queue.js";

test("generations grow over restarts and failed transactions, and the counter is written now and then", () => {
  const { queue, store, reopen } = openQueue();
  const counted = () => store().prepare("SELECT value FROM counter WHERE name = 'generation'").get()?.value;
  const arm = (to = queue) => to.arm(repository(1), pushed(push(1)));
  const failing = () =>
    store().transaction(() => {
      arm();
      throw new Error("the disk is full");
    });
  // The first generation claims a thousand, which is undone.
  expect(failing).toThrow("the disk is full");
  const first = arm();
  const claimed = counted();
  expect(claimed).toBeGreaterThanOrEqual(first);
  const last = Array.from({ length: 500 }, () => arm()).at(-1)!;
  expect(last).toBe(first + 500);
  expect(counted()).toBe(claimed);
  expect(arm(reopen())).toBeGreaterThan(last);
});
