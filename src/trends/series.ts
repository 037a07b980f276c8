import { percentile } from "./lags.js";
import { type DatedSample, merge, type Sample, type Scale, type TrendTable } from "./table.js";

/** How far back each span goes, in how many points, and by which rows. */
const SPANS = {
  hour: { points: 60, stepMs: 60_000, scale: "minute" },
  day: { points: 96, stepMs: 900_000, scale: "minute" },
  week: { points: 168, stepMs: 3_600_000, scale: "hour" },
} as const satisfies Record<string, { points: number; stepMs: number; scale: Scale }>;
export type Span = keyof typeof SPANS;

/** One step of a span. Lags are in milliseconds; null: there was none. */
export interface Point extends Omit<Sample, "lags"> {
  at: number;
  p50Ms: number | null;
  p95Ms: number | null;
}

export interface Series {
  span: Span;
  stepMs: number;
  /** One for each step, the oldest first; null: Lockstep did not run. */
  points: (Point | null)[];
  /** When the first step begins, in milliseconds since 1970. */
  from: number;
  /** All steps together; null: Lockstep did not run. */
  whole: Point | null;
}

/** @param pending what is not written yet */
export function readSeries(table: Pick<TrendTable, "between">, span: Span, pending: DatedSample): Series {
  const { points: count, stepMs, scale } = SPANS[span];
  const from = (Math.floor(pending.at / stepMs) - count + 1) * stepMs;
  const rows = [...table.between(scale, from, pending.at + 1), pending];
  const steps: (Sample | null)[] = Array.from({ length: count }, () => null);
  for (const { at, ...sample } of rows) {
    const step = Math.floor((at - from) / stepMs);
    const known = steps[step];
    if (step < count) steps[step] = known ? merge(known, sample) : sample;
  }
  const all = steps.filter((it) => it !== null);
  const whole = all.length === 0 ? null : pointOf(from, all.reduce(merge));
  return { span, stepMs, from, points: steps.map((it, n) => it && pointOf(from + n * stepMs, it)), whole };
}

function pointOf(at: number, { lags, ...rest }: Sample): Point {
  return { at, ...rest, p50Ms: percentile(lags, 0.5), p95Ms: percentile(lags, 0.95) };
}

const DAY_MS = 86_400_000;
/** A forecast of more than this says no more than that there is room. */
const FAR_MS = 5 * 365 * DAY_MS;

/** @returns when the disk is full if it goes on as in the last week, in milliseconds from now; null: it does not fill up */
export function forecastFull(table: Pick<TrendTable, "between">, pending: DatedSample): number | null {
  const rows = table.between("hour", pending.at - 7 * DAY_MS, pending.at);
  const first = rows[0];
  if (!first || pending.at - first.at < DAY_MS) return null;
  const perMs = (first.freeBytes - pending.freeBytes) / (pending.at - first.at);
  const fullInMs = perMs > 0 ? pending.freeBytes / perMs : Number.POSITIVE_INFINITY;
  return fullInMs < FAR_MS ? fullInMs : null;
}
