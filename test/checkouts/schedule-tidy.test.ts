import { expect, onTestFinished, test, vi } from "vitest";
import { type TidyContext, tidy } from "../../src/checkouts/schedule-tidy.js";

test("a tidy that fails is made again", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const seen = { isBroken: false, tidied: 0, faults: 0 };
  const context = {
    ledger: {
      of() {
        if (seen.isBroken) throw new Error("database or disk is full");
        return [];
      },
      slugs: () => ["main"],
    },
    pool: {
      tidy() {
        seen.tidied += 1;
        return Date.now() + 60_000;
      },
    },
    inTurn: (_: number, act: () => Promise<void>) => act(),
    isWanted: () => true,
    timers: new Map(),
    stopped: false,
    graceMs: 0,
    now: Date.now,
    log: {
      warn() {
        seen.faults += 1;
      },
    },
  } as unknown as TidyContext;
  tidy(context, 1);
  seen.isBroken = true;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen).toEqual({ isBroken: true, tidied: 1, faults: 1 });
  seen.isBroken = false;
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect(seen).toMatchObject({ tidied: 2, faults: 1 });
  context.stopped = true;
  seen.isBroken = true;
  await vi.advanceTimersByTimeAsync(60 * 60_000);
  expect(seen.tidied).toBe(2);
});
