import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createReadLimits } from "../../../src/git/transport/read-limits.js";

const TARGET = { installationId: 7, owner: "acme", name: "app" };
const HOUR = 3_600_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

test("a clock that is set back holds no read", async () => {
  const limits = createReadLimits();
  const { signal } = new AbortController();
  for (let n = 0; n < 10; n++) await limits.take(TARGET, signal);
  vi.setSystemTime(Date.now() - HOUR);
  for (let n = 0; n < 10; n++) await limits.take(TARGET, signal);
  vi.setSystemTime(Date.now() + 24 * HOUR);
  for (let n = 0; n < 10; n++) await limits.take(TARGET, signal);
}, 10_000);

test("no second has more than 15 reads of one repository", async () => {
  const limits = createReadLimits();
  const { signal } = new AbortController();
  const turns = await Promise.all(
    Array.from({ length: 40 }, () => limits.take(TARGET, signal).then(() => performance.now())),
  );
  turns.sort((a, b) => a - b);
  // A timer may fire a millisecond early.
  for (const [index, turn] of turns.slice(15).entries())
    expect(turn - turns[index]!).toBeGreaterThanOrEqual(998);
});

test("an abort ends the wait", async () => {
  const limits = createReadLimits();
  const abort = new AbortController();
  const reads = Array.from({ length: 20 }, () => limits.take(TARGET, abort.signal));
  abort.abort();
  const ends = await Promise.allSettled(reads);
  expect(ends.filter(({ status }) => status === "rejected")).toHaveLength(5);
});
