import { formatMs, median, percentile } from "../tools/stats.js";
import { bold, print, table } from "../tools/terminal.js";
import type { Samples, Scenario } from "./scenario.js";

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

export function printScenario(scenario: Scenario, rows: Row[]): void {
  const cells = rows.map((row) => [
    row.way,
    formatMs(row.medianMs),
    formatMs(row.p95Ms),
    `${row.ratio.toFixed(2)}×`,
    String(row.requests),
    String(row.connections),
  ]);
  const heading = [scenario.name, "median", "p95", "ratio", "requests", "new connections"];
  // All scenarios are printed as one table, so the first column is equally wide everywhere.
  const [first = "", ...lines] = table([heading.with(0, scenario.name.padEnd(48)), ...cells]);
  print(bold(first));
  for (const line of lines) print(line);
  print();
}
