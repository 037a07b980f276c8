import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startBackstop } from "../src/schedule.js";

const HOUR = 3_600_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(pass: () => Promise<void> | void = () => {}, intervalMs: number | null = 60_000) {
  const begun: number[] = [];
  const faults: unknown[] = [];
  const begins = () => {
    begun.push(performance.now());
    return pass();
  };
  const startedAt = performance.now();
  const backstop = startBackstop(intervalMs, {
    ...{ pass: begins, onFault: (error) => void faults.push(error), random: () => 0 },
  });
  const times = () => begun.map((at) => Math.round((at - startedAt) / 1_000) * 1_000);
  return { backstop, times, faults };
}

test("passes begin an interval apart, and a clock that is set changes nothing", async () => {
  const { backstop, times } = setUp();
  await vi.advanceTimersByTimeAsync(60_000);
  vi.setSystemTime(Date.now() - HOUR);
  await vi.advanceTimersByTimeAsync(60_000);
  vi.setSystemTime(Date.now() + 24 * HOUR);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(times()).toEqual([60_000, 120_000, 180_000]);
  await backstop.stop();
  await vi.advanceTimersByTimeAsync(HOUR);
  expect(times()).toHaveLength(3);
});

test("a pass that takes longer than the interval is followed at once, and never overlaps the next", async () => {
  const { times } = setUp(() => new Promise((resolve) => setTimeout(resolve, 90_000)));
  await vi.advanceTimersByTimeAsync(240_010);
  expect(times()).toEqual([60_000, 150_000, 240_000]);
});

test("a pass that throws is reported, and the next one comes all the same", async () => {
  const { times, faults } = setUp(() => {
    throw new Error("database or disk is full");
  });
  await vi.advanceTimersByTimeAsync(120_000);
  expect([times().length, faults.length]).toEqual([2, 2]);
});

test("off starts nothing, and a stopped backstop leaves no timer", async () => {
  const off = setUp(() => {}, null);
  expect(vi.getTimerCount()).toBe(0);
  await off.backstop.stop();
  const on = setUp();
  await on.backstop.stop();
  expect(vi.getTimerCount()).toBe(0);
});
