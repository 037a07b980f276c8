import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { openStore } from "../../src/store/database.js";
import { addLag, lagsFromText, lagsToText, percentile } from "../../src/trends/lags.js";
import { createRecorder, type Gauges } from "../../src/trends/recorder.js";
import { forecastFull, readSeries } from "../../src/trends/series.js";
import { createTrendTable, type DatedSample, TREND_TABLES } from "../../src/trends/table.js";
import { NO_LOG } from "../support/config.js";
import { tempDir } from "../support/temp.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 5, 12);
const GAUGES: Gauges = { backlog: 0, proofMs: null, budget: null, freeBytes: 1_000 };

function open() {
  const store = openStore(tempDir(), [TREND_TABLES]);
  onTestFinished(() => store.close());
  const clock = { now: START };
  const gauges = { ...GAUGES };
  const table = createTrendTable(store);
  const recorder = createRecorder({ table, gauges: () => gauges, log: NO_LOG, now: () => clock.now });
  const count = (scale: string) =>
    Number(store.prepare("SELECT count(*) AS n FROM trends WHERE scale = ?").get(scale)?.n);
  return { store, table, recorder, clock, gauges, count };
}

const sampleAt = (at: number, more: Partial<DatedSample> = {}): DatedSample => ({
  ...{ at, pushes: 0, refreshes: 0, failures: 0, missed: 0, lags: new Map(), ...GAUGES },
  ...more,
});

test("a percentile is 4 % off at most, also after lags were written down and read again", () => {
  const lag = fc.integer({ min: 1, max: 1_000_000_000 });
  fc.assert(
    fc.property(fc.array(lag, { minLength: 1, maxLength: 200 }), fc.constantFrom(0.5, 0.95), (all, share) => {
      const lags = new Map<number, number>();
      for (const ms of all) addLag(lags, ms);
      const exact = [...all].sort((a, b) => a - b)[Math.ceil(all.length * share) - 1]!;
      const found = percentile(lagsFromText(lagsToText(lags)), share)!;
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(0.04 * exact + 1);
    }),
  );
  expect(percentile(new Map(), 0.5)).toBe(null);
  expect(lagsFromText("12:x 3:4 ,;")).toEqual(new Map([[3, 4]]));
});

test("refreshes are counted by their results, and only pushes have a lag", () => {
  const { table, recorder, clock } = open();
  for (const [result, lagMs] of [
    ["changed", 40],
    ["changed", 400],
    ["cloned", null],
    ["unchanged", null],
    ["timeout", null],
  ] as const)
    recorder.refreshed(result, lagMs);
  recorder.missed();
  recorder.write();
  clock.now += MINUTE;
  recorder.write();
  const { whole, points } = readSeries(table, "hour", recorder.pending());
  expect(whole).toMatchObject({ pushes: 2, refreshes: 4, failures: 1, missed: 1 });
  expect(whole!.p95Ms).toBeGreaterThan(380);
  expect(points.at(-2)).toMatchObject({ pushes: 2 });
  expect(points.at(-1)).toMatchObject({ pushes: 0, p50Ms: null });
});

test("a span has one point for each step, and none where Lockstep did not run", () => {
  const { table, recorder, clock } = open();
  table.add(sampleAt(START - 30 * MINUTE, { pushes: 1 }));
  table.add(sampleAt(START - 3 * HOUR, { pushes: 2 }));
  table.add(sampleAt(START - 3 * DAY, { pushes: 4, budget: 0.25 }));
  table.add(sampleAt(START - 30 * DAY, { pushes: 8 }));
  const pending = recorder.pending();
  const of = (span: "hour" | "day" | "week") => readSeries(table, span, pending);
  expect([of("hour"), of("day"), of("week")].map(({ points }) => points.length)).toEqual([60, 96, 168]);
  expect([of("hour"), of("day"), of("week")].map(({ whole }) => whole!.pushes)).toEqual([1, 3, 7]);
  expect(of("week").whole!.budget).toBe(0.25);
  expect(of("hour").points.filter(Boolean)).toHaveLength(2);
  expect(of("hour").points.at(-1)!.at).toBe(clock.now);
});

test("the same minute written twice, as around a restart, is one row with the sum", () => {
  const { table, count } = open();
  table.add(sampleAt(START, { pushes: 1, backlog: 5, proofMs: 10 }));
  table.add(sampleAt(START + 1, { pushes: 2, backlog: 3, proofMs: null, freeBytes: 900 }));
  expect([count("minute"), count("hour")]).toEqual([1, 1]);
  const [row] = table.between("hour", START - HOUR, START + HOUR);
  expect(row).toMatchObject({ pushes: 3, backlog: 5, proofMs: 10, freeBytes: 900 });
});

test("the table is bounded, and a clock that was ahead pushes out nothing that is believed", () => {
  const { store, table, count } = open();
  store.transaction(() => {
    for (let n = 0; n < 1_700; n++) table.add(sampleAt(START + n * MINUTE));
  });
  expect(count("minute")).toBe(1_500);
  const now = START + 1_700 * MINUTE;
  store.transaction(() => {
    for (let n = 0; n < 100; n++) table.add(sampleAt(now + 400 * DAY + n * MINUTE));
  });
  table.add(sampleAt(now));
  expect(table.between("minute", START, now + 1).length).toBe(1_401);
  expect(count("minute")).toBe(1_501);
});

test("what a full disk kept from being written goes with the next minute", () => {
  const { recorder, table, store, clock } = open();
  recorder.refreshed("changed", 5);
  store.prepare("ALTER TABLE trends RENAME TO away").run();
  recorder.write();
  store.prepare("ALTER TABLE away RENAME TO trends").run();
  recorder.refreshed("changed", 5);
  clock.now += MINUTE;
  recorder.write();
  expect(table.between("minute", START, clock.now + 1)).toMatchObject([{ pushes: 2 }]);
});

test("the disk's end is foretold from the last week, and not from less than a day", () => {
  const { table } = open();
  const now = START + 2 * DAY;
  const pending = sampleAt(now, { freeBytes: 800 });
  expect(forecastFull(table, pending)).toBe(null);
  table.add(sampleAt(now - HOUR, { freeBytes: 900 }));
  expect(forecastFull(table, pending)).toBe(null);
  table.add(sampleAt(now - 2 * DAY, { freeBytes: 1_000 }));
  expect(forecastFull(table, pending)! / DAY).toBeCloseTo(8);
  expect(forecastFull(table, sampleAt(now, { freeBytes: 1_200 }))).toBe(null);
});
