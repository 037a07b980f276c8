import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import type { TrendPointView, TrendsView } from "../trends.js";

export const WIDTH = 600;
export const HEIGHT = 120;

type Value = (point: TrendPointView) => number | null;

export interface Drawing {
  kind: "line" | "bars";
  main: Value;
  /** A second value: a second line, or the part of a bar that is paler. */
  more?: Value;
  /** Bars of faults are red. */
  isFault?: boolean;
  /** The top of the scale; the default is the highest value. */
  top?: number;
  format(value: number): string;
  /** The unit in which a value is said, so that the top of the scale is a round number. The default is 1. */
  unit?(value: number): number;
}

/** A drawn chart: numbers and fixed words only, so the text is safe as markup. */
export interface Drawn {
  svg: string;
  /** What the top of the scale means; empty: there is no value. */
  top: string;
}

const round = (value: number) => Math.round(value * 10) / 10;

const GRID = [0, 0.5, 1]
  .map((part) => `<line x1="0" x2="${WIDTH}" y1="${part * HEIGHT}" y2="${part * HEIGHT}"/>`)
  .join("");

function scaleTo(top: number, unit = 1) {
  const [, round] = scaleLinear()
    .domain([0, top / unit])
    .nice(2)
    .domain();
  return scaleLinear()
    .domain([0, round! * unit])
    .range([HEIGHT, 0]);
}

/** Draws what one points at to read the figures of a step. A chart has a hundred of them, so they say nothing twice. */
const hitsOf = (steps: { x: number; width: number; title: string }[]) => {
  const hits = steps.map(
    ({ x, width, title }) =>
      `<rect x="${x}" width="${width}" height="${HEIGHT}"><title>${title}</title></rect>`,
  );
  return `<g class="hits">${hits.join("")}</g>`;
};

/** Draws one chart of a span; each step has a title of its own. */
export function draw(trends: TrendsView, drawing: Drawing, words: (point: TrendPointView) => string): Drawn {
  const { points } = trends;
  const values = points.flatMap((point) => (point ? [drawing.main(point), drawing.more?.(point)] : []));
  const highest = Math.max(0, ...values.map((value) => value ?? 0));
  const top = drawing.top ?? (highest || 1);
  const y = scaleTo(top, drawing.unit?.(top));
  const x = scaleLinear().domain([0, points.length]).range([0, WIDTH]);
  const shapes = drawing.kind === "bars" ? bars(points, drawing, x, y) : lines(points, drawing, x, y);
  const width = round(WIDTH / points.length);
  const hits = points.map((point, n) => {
    const title = point ? `${hourOf(point.at)} UTC: ${words(point)}` : "Lockstep did not run";
    return { x: round(x(n)), width, title };
  });
  const hasScale = drawing.top !== undefined || values.some((value) => typeof value === "number");
  return { svg: GRID + shapes + hitsOf(hits), top: hasScale ? drawing.format(y.domain()[1]!) : "" };
}

export const hourOf = (at: string): string => at.slice(11, 16);

type Scale = (value: number) => number;
type Points = TrendsView["points"];

function lines(points: Points, { main, more }: Drawing, x: Scale, y: Scale): string {
  const known = points.map((point, n) => ({
    n: n + 0.5,
    main: point && main(point),
    more: point && more?.(point),
  }));
  type Known = (typeof known)[number];
  // Steps without a push have no lag; the line goes on to the next that has one.
  const path = (of: (it: Known) => number | null | undefined) => {
    const all = known.filter((it) => typeof of(it) === "number");
    const draw = line<Known>(
      (it) => round(x(it.n)),
      (it) => round(y(of(it)!)),
    );
    return all.length === 1 ? dot(x(all[0]!.n), y(of(all[0]!)!)) : (draw(all) ?? "");
  };
  const filled = known.filter((it) => typeof it.main === "number");
  const under = area<Known>(
    (it) => round(x(it.n)),
    HEIGHT,
    (it) => round(y(it.main!)),
  );
  return [
    more ? "" : `<path class="area" d="${under(filled) ?? ""}"/>`,
    more ? `<path class="more" d="${path((it) => it.more)}"/>` : "",
    `<path class="main" d="${path((it) => it.main)}"/>`,
  ].join("");
}

const dot = (x: number, y: number) => `M${round(x - 3)} ${round(y)}h6`;

function bars(points: Points, { main, more, isFault }: Drawing, x: Scale, y: Scale): string {
  const width = round((WIDTH / points.length) * 0.75);
  const bar = (n: number, value: number | null | undefined) => {
    if (!value) return "";
    const top = round(Math.min(y(value), HEIGHT - 1.5));
    return `M${round(x(n + 0.125))} ${HEIGHT}V${top}h${width}V${HEIGHT}z`;
  };
  const path = (of: Value) => points.map((point, n) => bar(n, point && of(point))).join("");
  return [
    more ? `<path class="back" d="${path(more)}"/>` : "",
    `<path class="${isFault ? "fault" : "bar"}" d="${path(main)}"/>`,
  ].join("");
}

/** A chart of few bars leaves room on the right, so that no bar looks like a block. */
const LEAST_BARS = 30;

/** Draws a bar for each value. @param title numbers and fixed words only */
export function drawBars(
  bars: { value: number; isFault: boolean; title: string }[],
  { format, unit }: Pick<Drawing, "format" | "unit">,
): Drawn {
  const highest = Math.max(1, ...bars.map(({ value }) => value));
  const y = scaleTo(highest, unit?.(highest));
  const step = WIDTH / Math.max(LEAST_BARS, bars.length);
  const bar = (value: number, n: number) => {
    const top = round(Math.min(y(value), HEIGHT - 2));
    return `M${round((n + 0.125) * step)} ${HEIGHT}V${top}h${round(step * 0.75)}V${HEIGHT}z`;
  };
  const path = (kind: "bar" | "fault") => {
    const own = bars.map(({ value, isFault }, n) => (isFault === (kind === "fault") ? bar(value, n) : ""));
    return `<path class="${kind}" d="${own.join("")}"/>`;
  };
  const hits = bars.map(({ title }, n) => ({ x: round(n * step), width: round(step), title }));
  return { svg: GRID + path("bar") + path("fault") + hitsOf(hits), top: format(y.domain()[1]!) };
}

/** Draws the last lags of a repository as a line without a scale. */
export function sparkline(lags: number[], width: number, height: number): string {
  if (lags.length < 2) return "";
  const highest = Math.max(1, ...lags);
  const draw = line<number>(
    (_, n) => round(1 + (n * (width - 2)) / (lags.length - 1)),
    (lag) => round(height - 2 - (lag / highest) * (height - 4)),
  );
  return draw(lags) ?? "";
}
