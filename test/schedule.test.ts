import fc from "fast-check";
import cron from "node-cron";
import { expect, onTestFinished, test, vi } from "vitest";
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

const passes = (pass: () => Promise<void> | void = () => {}) => {
  const faults: unknown[] = [];
  return { pass, onFault: (error: unknown) => void faults.push(error), faults };
};

test("off starts no task, and stopping removes the task", async () => {
  const before = cron.getTasks().size;
  const off = startBackstop("off", null, passes());
  expect(cron.getTasks().size).toBe(before);
  await off.stop();
  const on = startBackstop("on", 300_000, passes());
  expect(cron.getTasks().size).toBe(before + 1);
  await on.stop();
  expect(cron.getTasks().size).toBe(before);
});

const HOUR = 3_600_000;
/** Each pass comes in the first six seconds of a minute, so what is counted in minutes begins in the middle of one. */
const MID_MINUTE = Date.parse("2026-01-01T12:00:30Z");

/** Counts the passes of 1 minute's interval in each of the next minutes, with a clock that is set before the second. */
async function passesPerMinute(step: number): Promise<number[]> {
  vi.useFakeTimers({ now: MID_MINUTE });
  onTestFinished(() => void vi.useRealTimers());
  let count = 0;
  const backstop = startBackstop(
    "stepped",
    60_000,
    passes(() => void count++),
  );
  onTestFinished(() => backstop.stop());
  const counts: number[] = [];
  for (let minute = 0; minute < 4; minute++) {
    if (minute === 1) vi.setSystemTime(Date.now() + step);
    const before = count;
    await vi.advanceTimersByTimeAsync(60_000);
    counts.push(count - before);
  }
  return counts;
}

test.each([-HOUR, 24 * HOUR])("a clock that is set by %i ms holds up no pass for long", async (step) => {
  const counts = await passesPerMinute(step);
  expect(counts.reduce((sum, n) => sum + n)).toBeGreaterThanOrEqual(3);
  expect(counts.slice(2).every((n) => n >= 1)).toBe(true);
});

test("a pass that throws is reported, and the next one comes all the same; passes never overlap", async () => {
  vi.useFakeTimers({ now: MID_MINUTE });
  onTestFinished(() => void vi.useRealTimers());
  let count = 0;
  const ports = passes(async () => {
    count += 1;
    if (count === 1) throw new Error("database or disk is full");
    await new Promise((resolve) => setTimeout(resolve, 150_000));
  });
  const backstop = startBackstop("failing", 60_000, ports);
  onTestFinished(() => backstop.stop());
  await vi.advanceTimersByTimeAsync(250_000);
  expect(ports.faults).toHaveLength(1);
  expect(count).toBe(2);
});

test("a pass can be asked for, also without an interval; one that is asked for during another follows it", async () => {
  for (const interval of [null, HOUR]) {
    const ends: (() => void)[] = [];
    let running = 0;
    const most: number[] = [];
    const ports = passes(async () => {
      most.push(++running);
      await new Promise<void>((resolve) => ends.push(resolve));
      running -= 1;
    });
    const backstop = startBackstop("asked", interval, ports);
    expect([backstop.begin(), backstop.begin(), backstop.begin()]).toEqual([true, false, false]);
    expect(ends).toHaveLength(1);
    ends[0]!();
    await expect.poll(() => ends).toHaveLength(2);
    ends[1]!();
    await expect.poll(() => running).toBe(0);
    expect(most).toEqual([1, 1]);
    expect(backstop.begin()).toBe(true);
    ends.at(-1)!();
    await backstop.stop();
  }
});
