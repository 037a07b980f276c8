import type { LogLine } from "../log-lines.js";
import { formatMs, median, percentile } from "../stats.js";
import { bold, green, print, red, table } from "../terminal.js";

export interface Measured {
  title: string;
  took: number[];
}

const TITLE_WIDTH = 38;
const COUNT_WIDTH = 8;
const TIME_WIDTH = 10;

export function printHeading(): void {
  print(bold(`${"what".padEnd(TITLE_WIDTH)}${"pushes".padStart(COUNT_WIDTH)}${"took".padStart(TIME_WIDTH)}`));
}

/** Prints the slowest of several pushes. */
export function printStep({ title, took }: Measured): void {
  const count = String(took.length).padStart(COUNT_WIDTH);
  const slowest = formatMs(Math.max(...took)).padStart(TIME_WIDTH);
  print(`${title.padEnd(TITLE_WIDTH)}${count}${slowest}`);
}

export function printSummary(measured: Measured[], pushesSent: number, log: LogLine[]): void {
  const alone = measured.filter(({ took }) => took.length === 1).flatMap(({ took }) => took);
  const all = measured.flatMap(({ took }) => took);
  const row = (name: string, values: number[]): string[] => [
    name,
    ...[median(values), percentile(values, 0.95), Math.max(...values)].map(formatMs),
  ];
  const rows = [["delivery sent → in the mirror", "median", "p95", "max"]];
  rows.push(row("pushes sent alone", alone), row("all pushes", all));
  const [heading = "", ...lines] = table(rows);
  print();
  print(bold(heading));
  for (const line of lines) print(line);
  const refreshes = log.filter((line) => line.event === "refreshed" && line.trigger === "push").length;
  print();
  print(`${pushesSent} pushes sent, ${refreshes} refreshes run for them`);
}

export function printVerdict(refs: number, repositories: number, different: string[]): void {
  const where = repositories === 1 ? "1 mirror" : `${repositories} mirrors`;
  if (different.length === 0) {
    print(green(`all ${refs} refs of ${where} equal their upstream`));
    return;
  }
  print(red(`${different.length} of ${refs} refs of ${where} differ from their upstream:`));
  for (const line of different.slice(0, 20)) print(`  ${line}`);
}
