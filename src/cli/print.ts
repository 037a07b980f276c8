import type { WriteStream } from "node:tty";
import { styleText } from "node:util";
import { monotonicMs } from "../base/clock.js";

const CLEAR_LINE = "\r\u001b[2K";
let progressing = false;

/** Prints a line, and first clears an unfinished line of progress. */
export function print(line = ""): void {
  process.stdout.write(`${progressing ? CLEAR_LINE : ""}${line}\n`);
  progressing = false;
}

/** Prints progress: one line that is overwritten on a terminal, and separate lines elsewhere. */
export function printProgress(line: string): void {
  progressing = process.stdout.isTTY;
  if (progressing) replaceLine(process.stdout, line);
  else print(line);
}

const replaceLine = (terminal: WriteStream, line: string): void =>
  void terminal.write(CLEAR_LINE + line.slice(0, (terminal.columns || 80) - 1));

/**
 * Shows on stderr what a command waits for and for how long, and clears the line at the end. Prints nothing
 * unless stderr is a terminal with colours.
 */
export async function withWaitingLine<T>(what: string, act: () => Promise<T>): Promise<T> {
  const { stderr } = process;
  if (!isColored(stderr)) return act();
  const since = monotonicMs();
  const show = () =>
    replaceLine(stderr, `waiting ${Math.round((monotonicMs() - since) / 1_000)}s for ${what}`);
  show();
  const timer = setInterval(show, 1_000);
  try {
    return await act();
  } finally {
    clearInterval(timer);
    stderr.write(CLEAR_LINE);
  }
}

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

type Style = "bold" | "red" | "yellow" | "green" | "dim";

/** Whether the stream is a terminal and neither NO_COLOR nor TERM=dumb is set. */
const isColored = (stream: WriteStream): boolean => stream.isTTY && stream.hasColors();

/** styleText honours NO_COLOR and non-terminals only since Node.js 22.13, so both are checked here. */
export const styled = (style: Style, text: string): string =>
  isColored(process.stdout) ? styleText(style, text) : text;

const COLORS: Record<string, Style> = {
  fresh: "green",
  failing: "red",
  behind: "yellow",
  incomplete: "yellow",
  suspended: "yellow",
};

export const stateText = (state: string, width = 0): string =>
  styled(COLORS[state] ?? "dim", state.padEnd(width));

/** Formats rows in columns as wide as their widest cell. @param rows the first row is the heading */
export function table(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

interface Table {
  head: string[];
  rows: string[][];
  /** What is said in place of a table without rows. */
  empty: string;
}

/** Prints a table; that there is nothing to list goes to stderr, so that a program that reads the list sees no line. */
export function printTable({ head, rows, empty }: Table): void {
  if (rows.length === 0) process.stderr.write(`${empty}\n`);
  else for (const line of table([head, ...rows])) print(line);
}

/** Formats an age in its largest unit: `12s`, `5m`, `3h`, `2d`. */
export function ago(iso: string | null, now = Date.now()): string {
  if (iso === null) return "never";
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`;
}

/** Says on stderr which nodes of a cluster are not in what is printed. */
export function warnOfMissing(nodes: readonly string[] = []): void {
  if (nodes.length === 0) return;
  const who = `${nodes.join(", ")} ${nodes.length === 1 ? "has" : "have"}`;
  process.stderr.write(`lockstep: without what only ${who}\n  → see lockstep nodes list\n`);
}
