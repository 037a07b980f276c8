import fc from "fast-check";
import cron from "node-cron";
import { expect, test } from "vitest";
import { cronExpression, startBackstop } from "../src/schedule.js";

test.each([
  [10_000, "*/10 * * * * *"],
  [45_000, "*/30 * * * * *"],
  [60_000, "*/1 * * * *"],
  [300_000, "*/5 * * * *"],
  [7 * 60_000, "*/6 * * * *"],
  [3_600_000, "0 */1 * * *"],
  [24 * 3_600_000, "0 0 * * *"],
])("%i ms is %s", (ms, expression) => {
  expect(cronExpression(ms)).toBe(expression);
});

test("property: every interval gives a valid expression", () => {
  fc.assert(
    fc.property(fc.integer({ min: 10_000, max: 24 * 3_600_000 }), (ms) => cron.validate(cronExpression(ms))),
  );
});

test("off starts no task, and stopping removes the task", async () => {
  const before = cron.getTasks().size;
  const off = startBackstop("off", null, () => {});
  expect(cron.getTasks().size).toBe(before);
  await off.stop();
  const on = startBackstop("on", 300_000, () => {});
  expect(cron.getTasks().size).toBe(before + 1);
  await on.stop();
  expect(cron.getTasks().size).toBe(before);
});
