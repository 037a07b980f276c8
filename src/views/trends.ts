import { monotonicMs } from "../base/clock.js";
import { iso } from "../base/units.js";
import type { Span, TrendPorts, TrendsView } from "../http/trends.js";
import type { Recorder } from "../trends/recorder.js";
import { forecastFull, type Point, readSeries } from "../trends/series.js";
import type { TrendTable } from "../trends/table.js";

interface Ports {
  table: Pick<TrendTable, "between">;
  recorder: Pick<Recorder, "pending">;
  clock?: () => number;
}

/** A day is read from 1,500 rows, and open pages ask often. A step of a day takes 15 minutes, that of an hour one. */
const KEPT_MS: Record<Span, number> = { hour: 5_000, day: 60_000, week: 60_000 };

/** Shows the figures of the last hour, day or week. */
export function createTrendViews({ table, recorder, clock = monotonicMs }: Ports): TrendPorts["trends"] {
  const kept = new Map<Span, { view: TrendsView; at: number }>();

  function read(span: Span): TrendsView {
    const pending = recorder.pending();
    const { stepMs, from, points, whole } = readSeries(table, span, pending);
    const fullInMs = forecastFull(table, pending);
    return {
      span,
      stepMs,
      from: iso(from),
      points: points.map((point) => point && dated(point)),
      whole: whole && dated(whole),
      diskFullAt: fullInMs === null ? null : iso(pending.at + fullInMs),
    };
  }

  return (span) => {
    const known = kept.get(span);
    if (known && clock() - known.at < KEPT_MS[span]) return known.view;
    const view = read(span);
    kept.set(span, { view, at: clock() });
    return view;
  };
}

const dated = ({ at, ...rest }: Point) => ({ at: iso(at), ...rest });
