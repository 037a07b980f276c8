import { formatMs, median, percentile } from "../tools/stats.js";
import type { Samples } from "./scenario.js";

export interface Row {
  way: string;
  medianMs: number;
  p95Ms: number;
  /** The median, as a share of the last way's median. */
  ratio: number;
  requests: number;
  connections: number;
}

export function rowsOf(samples: Samples): Row[] {
  const of = (way: string): number[] => samples.get(way)!.map((sample) => sample.ms);
  const base = median(of([...samples.keys()].at(-1)!));
  return [...samples].map(([way, taken]) => ({
    way,
    medianMs: median(of(way)),
    p95Ms: percentile(of(way), 0.95),
    ratio: median(of(way)) / base,
    requests: median(taken.map((sample) => sample.requests)),
    connections: median(taken.map((sample) => sample.connections)),
  }));
}

export const tableOf = (rows: Row[]): string[][] => [
  ["way", "median", "p95", "ratio", "requests", "new connections"],
  ...rows.map((row) => [
    row.way,
    formatMs(row.medianMs),
    formatMs(row.p95Ms),
    `${row.ratio.toFixed(2)}×`,
    String(row.requests),
    String(row.connections),
  ]),
];

/** Every way's median in each scenario, and its ratio to the last way's. */
export const overviewOf = (scenarios: { name: string; rows: Row[] }[]): string[][] => [
  ["upstream", ...(scenarios[0]?.rows ?? []).map(({ way }) => way)],
  ...scenarios.map(({ name, rows }) => [
    name,
    ...rows.map(({ medianMs, ratio }) => `${formatMs(medianMs)} (${ratio.toFixed(2)}×)`),
  ]),
];
