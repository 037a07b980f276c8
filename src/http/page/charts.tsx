import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { duration, durationUnit, sizeUnit, spokenAtMost, spokenSize } from "../../base/units.js";
import type { Span, TrendPointView, TrendsView } from "../trends.js";
import { type Drawing, draw, hourOf } from "./chart.js";
import { Table } from "./parts.js";
import { Plot } from "./plot.js";
import { type Term, Word } from "./words.js";

const count = (value: number) => Math.round(value).toLocaleString("en");
const share = (value: number) => `${Math.round(value * 100)} %`;
const now = (value: number | null | undefined, format: (value: number) => string) =>
  typeof value === "number" ? `${format(value)} now, ` : "";
const lag = (value: number | null) => (value === null ? "no push" : duration(value));
const lags = ({ p50Ms, p95Ms }: TrendPointView) =>
  p50Ms === null ? "no push" : `${lag(p50Ms)} median, ${lag(p95Ms)} p95`;

interface Chart extends Drawing {
  title: string;
  /** Explains the title. */
  term?: Term;
  /** What the dark and the pale values are. */
  legend?: [main: string, more: string];
  /** Says what the chart will show and when its first figure comes, while it has none. */
  none: string;
  /** What the whole span comes to. */
  sum(whole: TrendPointView, last: TrendPointView | null): string;
  /** What one step comes to. */
  words(point: TrendPointView): string;
}

const MAJOR: Chart[] = [
  {
    title: "Push to mirror",
    term: "lags",
    legend: ["median", "p95"],
    kind: "line",
    main: (it) => it.p50Ms,
    more: (it) => it.p95Ms,
    none: "How long pushes take to arrive. The next push is the first point.",
    format: duration,
    unit: durationUnit,
    sum: lags,
    words: lags,
  },
  {
    title: "Refreshes",
    term: "refreshes",
    legend: ["pushes", "other"],
    kind: "bars",
    main: (it) => it.pushes,
    more: (it) => it.refreshes,
    none: "Pushes and other refreshes. The next refresh is the first bar.",
    format: count,
    sum: ({ pushes, refreshes, missed }) =>
      `${count(pushes)} pushes, ${count(refreshes - pushes)} other, ${count(missed)} missed`,
    words: ({ pushes, refreshes }) => `${count(pushes)} pushes, ${count(refreshes - pushes)} other refreshes`,
  },
];

const MINOR: Chart[] = [
  {
    title: "Failures",
    kind: "bars",
    main: (it) => it.failures,
    isFault: true,
    none: "No refresh has failed.",
    format: count,
    sum: ({ failures, refreshes }) =>
      failures === 0 ? "none" : `${count(failures)} of ${count(failures + refreshes)}`,
    words: ({ failures }) => `${count(failures)} failed`,
  },
  {
    title: "Backlog",
    term: "backlog",
    kind: "line",
    main: (it) => it.backlog,
    none: "",
    format: count,
    sum: ({ backlog }, last) => `${now(last?.backlog, count)}max ${count(backlog)}`,
    words: ({ backlog }) => `at most ${count(backlog)} requests`,
  },
  {
    title: "Oldest proof",
    term: "oldestProof",
    kind: "line",
    main: (it) => it.proofMs,
    none: "Begins with the first repository.",
    format: duration,
    unit: durationUnit,
    sum: ({ proofMs }, last) =>
      now(last?.proofMs, spokenAtMost) + (proofMs === null ? "none" : `max ${spokenAtMost(proofMs)}`),
    words: ({ proofMs }) => (proofMs === null ? "none" : spokenAtMost(proofMs)),
  },
  {
    title: "GitHub's API",
    term: "budget",
    kind: "line",
    main: (it) => it.budget,
    top: 1,
    none: "Begins when GitHub reports a limit.",
    format: share,
    sum: ({ budget }, last) =>
      budget === null ? "not known" : `${now(last?.budget, share)}min ${share(budget)}`,
    words: ({ budget }) => (budget === null ? "not known" : `${share(budget)} left`),
  },
  {
    title: "Free disk",
    kind: "line",
    main: (it) => it.freeBytes,
    none: "",
    format: spokenSize,
    unit: sizeUnit,
    sum: (_, last) => (last ? spokenSize(last.freeBytes) : "not known"),
    words: ({ freeBytes }) => spokenSize(freeBytes),
  },
];

export const SPANS: Record<Span, string> = { hour: "Hour", day: "Day", week: "Week" };

/** The drawn charts of a span, which several open pages share. */
const kept = new WeakMap<TrendsView, string>();

/** Shows how the last hour, day or week went. */
export function Charts({ of: trends }: { of: TrendsView }) {
  const known = kept.get(trends);
  if (known !== undefined) return raw(known);
  const shown = (
    <>
      <div class="charts">
        {MAJOR.map((chart) => (
          <Figure chart={chart} of={trends} />
        ))}
      </div>
      <div class="charts minor">
        {MINOR.map((chart) => (
          <Figure chart={chart} of={trends} />
        ))}
      </div>
    </>
  );
  const text = String(shown);
  kept.set(trends, text);
  return raw(text);
}

function Figure({ chart, of: trends }: { chart: Chart; of: TrendsView }) {
  const { title, sum, words, legend } = chart;
  const { svg, top } = draw(trends, chart, words);
  const last = trends.points.findLast((it) => it !== null) ?? null;
  const note = trends.whole ? sum(trends.whole, last) : "nothing yet";
  const awaited = awaitedIn(chart, trends);
  return (
    <figure class="box chart">
      <figcaption>
        <span>
          {chart.term ? <Word of={chart.term}>{title}</Word> : title}
          {legend && !awaited && (
            <span class="legend" aria-hidden="true">
              <span class="key">{legend[0]}</span>{" "}
              <span class={chart.kind === "bars" ? "key back" : "key more"}>{legend[1]}</span>
            </span>
          )}
        </span>{" "}
        <span>
          {note.split(/(?<=,) /).map((part) => (
            <>
              <span class="nowrap">{part}</span>{" "}
            </>
          ))}
        </span>
      </figcaption>
      <Plot label={`${title}, last ${trends.span}: ${note}`} svg={svg} top={top}>
        {awaited}
      </Plot>
      <Times of={trends} />
    </figure>
  );
}

/** Returns what an empty chart will show, and when a line of one point gets its second; null: it shows something. */
function awaitedIn({ kind, main, more, none }: Chart, { from, stepMs, points }: TrendsView): Child {
  const known = points.filter((it) => it !== null);
  const isShown = (it: TrendPointView) => (kind === "bars" ? main(it) || more?.(it) : main(it) !== null);
  if (!known.some(isShown)) return none;
  if (kind === "bars" || known.length > 1) return null;
  const next = new Date(Date.parse(from) + points.length * stepMs).toISOString();
  return (
    <>
      One figure so far, the next at{" "}
      <time datetime={next} data-local="minute">
        {hourOf(next)} UTC
      </time>
    </>
  );
}

/** The script shows these times in the reader's own time zone. */
function Times({ of: { from, stepMs, points, span } }: { of: TrendsView }) {
  const begin = Date.parse(from);
  const marks = [0, 0.5].map((part) => new Date(begin + part * points.length * stepMs).toISOString());
  const text = (at: string) => (span === "week" ? at.slice(5, 10) : `${hourOf(at)} UTC`);
  return (
    <div class="x" aria-hidden="true">
      {marks.map((at) => (
        <time datetime={at} data-local={span}>
          {text(at)}
        </time>
      ))}
      <span>now</span>
    </div>
  );
}

const COLUMNS = ["From (UTC)", "Median", "p95", "Pushes", "Refreshes", "Failures", "Missed", "Backlog"];

/** The figures behind the charts. */
export const Figures = ({ of: { points, span } }: { of: TrendsView }) => (
  <Table
    caption={`The last ${span} in figures, newest first`}
    columns={[...COLUMNS, "Oldest proof", "GitHub's API left", "Free disk"]}
    rows={points
      .filter((it) => it !== null)
      .reverse()
      .map((it) => [
        it.at.slice(0, 16).replace("T", " "),
        lag(it.p50Ms),
        lag(it.p95Ms),
        ...[it.pushes, it.refreshes, it.failures, it.missed, it.backlog].map(count),
        it.proofMs === null ? "–" : spokenAtMost(it.proofMs),
        it.budget === null ? "–" : share(it.budget),
        spokenSize(it.freeBytes),
      ])}
    empty="Nothing was recorded yet."
    isDense
  />
);
