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
  if (progressing) process.stdout.write(CLEAR_LINE + line.slice(0, (process.stdout.columns || 80) - 1));
  else print(line);
}

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

type Style = "bold" | "red" | "yellow" | "green" | "dim";

/** styleText itself minds NO_COLOR and streams that are no terminal (Node.js 22.13); before it, we do. */
export function styled(style: Style, text: string): string {
  return process.stdout.isTTY && process.stdout.hasColors() ? styleText(style, text) : text;
}

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
