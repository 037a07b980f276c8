import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ParseArgsConfig } from "node:util";
import type { Releasers } from "../tools/releasers.js";
import { parseOptions, runTool } from "../tools/run-tool.js";
import { bold, print, table } from "../tools/terminal.js";
import type { ReportItem } from "./results/result.js";

type Options = NonNullable<ParseArgsConfig["options"]>;

const COMMON = {
  json: { type: "boolean" },
  results: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const HELP = `

  --json            one JSON document, no table
  --results <file>  also writes there what npm run bench publishes`;

type Values<T extends Options> = ReturnType<typeof parseOptions<T>>;

/** What a benchmark says while it runs; nothing of it is printed with --json. */
export interface Report {
  /** @param rows the first one is the heading */
  table(rows: string[][], title?: string): void;
  text(line: string): void;
  /** A table that is printed, and not published. */
  detail(rows: string[][], title?: string): void;
}

export interface Bench<T extends Options> {
  /** The usage, what is measured, and the benchmark's own options; those that all have are added. */
  help: string;
  options: T;
  /** @returns the figures, as one JSON document has them */
  measure(values: Values<T>, report: Report): Promise<object>;
}

/** Runs a benchmark from beginning to end, and releases what it has started, however it ends. */
export function runBench<T extends Options>(releasers: Releasers, bench: Bench<T>): void {
  runTool(releasers, async () => {
    const given = parseOptions(process.argv.slice(2), { ...bench.options, ...COMMON });
    const { json, results, help } = given as Values<typeof COMMON>;
    if (help) {
      print(bench.help + HELP);
      return 0;
    }
    const items: ReportItem[] = [];
    const report = (item: ReportItem) => {
      items.push(item);
      if (!json) printItem(item);
    };
    const figures = await bench.measure(given as Values<T>, {
      table: (rows, title) => report(tableOf(rows, title)),
      text: report,
      detail: (rows, title) => {
        if (!json) printItem(tableOf(rows, title));
      },
    });
    if (json) print(JSON.stringify(figures, null, 2));
    if (results !== undefined) await writeFile(results, JSON.stringify({ items, figures }));
    return 0;
  });
}

const tableOf = (rows: string[][], title: string | undefined): ReportItem =>
  title === undefined ? { rows } : { title, rows };

function printItem(item: ReportItem): void {
  if (typeof item === "string") {
    print(item);
    return;
  }
  if (item.title !== undefined) print(bold(item.title));
  const [first = "", ...lines] = table(item.rows);
  print(item.title === undefined ? bold(first) : first);
  for (const line of lines) print(line);
  print();
}

/** Makes a separate directory, which is removed together with what was started in it. */
export async function workDir(releasers: Releasers): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "lockstep-bench-"));
  releasers.add(() => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return dir;
}
