import type { WriteStream } from "node:tty";
import { styleText } from "node:util";

const CLEAR_LINE = "\r\u001b[2K";
let progressing = false;

/** A line of progress that was not ended gives way to it. */
export function print(line = ""): void {
  process.stdout.write(`${progressing ? CLEAR_LINE : ""}${line}\n`);
  progressing = false;
}

/** On a terminal one line that the next one replaces; elsewhere, in a log, a line each. */
export function printProgress(line: string): void {
  progressing = process.stdout.isTTY;
  if (progressing) replaceLine(process.stdout, line);
  else print(line);
}

const replaceLine = (terminal: WriteStream, line: string): void =>
  void terminal.write(CLEAR_LINE + line.slice(0, (terminal.columns || 80) - 1));

/**
 * Says on stderr, where that is a terminal with colours, what is waited for and how long by now; the line is gone
 * at the end. Elsewhere nothing is said: the output is as it was.
 */
export async function withWaitingLine<T>(what: string, act: () => Promise<T>): Promise<T> {
  const { stderr } = process;
  if (!isColored(stderr)) return act();
  const since = Date.now();
  const show = () => replaceLine(stderr, `waiting ${Math.round((Date.now() - since) / 1_000)}s for ${what}`);
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

/** A terminal, and neither NO_COLOR nor TERM=dumb. */
const isColored = (stream: WriteStream): boolean => stream.isTTY && stream.hasColors();

/** styleText itself minds NO_COLOR and streams that are no terminal (Node.js 22.13); before it, we do. */
export const styled = (style: Style, text: string): string =>
  isColored(process.stdout) ? styleText(style, text) : text;

const COLORS: Record<string, Style> = {
  fresh: "green",
  failing: "red",
  behind: "yellow",
  suspended: "yellow",
};

export const stateText = (state: string, width = 0): string =>
  styled(COLORS[state] ?? "dim", state.padEnd(width));

/** Columns as wide as their widest cell. @param rows the first is the heading */
export function table(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

/** How long ago, to two digits of what matters: `12s`, `5m`, `3h`, `2d`. */
export function ago(iso: string | null, now = Date.now()): string {
  if (iso === null) return "never";
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`;
}
