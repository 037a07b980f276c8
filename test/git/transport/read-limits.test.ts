import { setMaxListeners } from "node:events";
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
});

test("a second has no more than 15 reads of one repository, and another repository waits for none", async () => {
  const limits = createReadLimits();
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  const startedAt = performance.now();
  let read = 0;
  const readApp = async () => {
    await limits.take(TARGET, signal);
    read += 1;
    return performance.now() - startedAt;
  };
  const turns = Promise.all(Array.from({ length: 40 }, readApp));
  await limits.take({ ...TARGET, name: "other" }, signal);
  expect(read).toBe(15);
  const sorted = (await turns).sort((a, b) => a - b);
  // A timer may fire a millisecond early.
  expect(sorted[15]).toBeGreaterThanOrEqual(998);
  expect(sorted[30]).toBeGreaterThanOrEqual(1_996);
});

test("an abort ends the wait", async () => {
  const limits = createReadLimits();
  const abort = new AbortController();
  setMaxListeners(0, abort.signal);
  const reads = Array.from({ length: 20 }, () => limits.take(TARGET, abort.signal));
  abort.abort();
  const ends = await Promise.allSettled(reads);
  expect(ends.filter(({ status }) => status === "rejected")).toHaveLength(5);
});

test("refreshes are read first, then what is fetched for readers, then what GitHub answers readers", async () => {
  const limits = createReadLimits();
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  const order: string[] = [];
  for (let n = 0; n < 15; n++) await limits.take(TARGET, signal, "reader");
  const kinds = ["reader", "fetched", "refresh", "reader", "fetched", "refresh"] as const;
  await Promise.all(kinds.map((kind) => limits.take(TARGET, signal, kind).then(() => order.push(kind))));
  expect(order).toEqual(["refresh", "refresh", "fetched", "fetched", "reader", "reader"]);
});
