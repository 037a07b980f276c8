import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawChart } from "./charts.js";
import { chartsOf } from "./chosen-charts.js";
import { withFigures } from "./render.js";
import type { Result } from "./result.js";
import { SUBJECTS } from "./subjects.js";

const DOCUMENT = join("docs", "benchmarks.md");

/** Returns what the kept results make: files by their paths. A benchmark that was never published changes nothing. */
export function published(): Map<string, string> {
  const files = new Map<string, string>();
  const results = new Map<string, Result>();
  let document = readFileSync(DOCUMENT, "utf8");
  for (const { name } of SUBJECTS) {
    const file = join("bench", "results", `${name}.json`);
    if (!existsSync(file)) continue;
    const result = JSON.parse(readFileSync(file, "utf8")) as Result;
    results.set(name, result);
    document = withFigures(document, name, result);
  }
  files.set(DOCUMENT, document);
  for (const [name, chart] of chartsOf(results)) files.set(join("docs", "images", name), drawChart(chart));
  return files;
}

/** Writes docs/benchmarks.md and the charts from the kept results. */
export function publish(): void {
  for (const [file, text] of published()) writeFileSync(file, text);
}
