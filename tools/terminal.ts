const isTerminal = process.stdout.isTTY === true;
const hasColor = isTerminal && !process.env.NO_COLOR && process.env.TERM !== "dumb";
const styled = (code: number) => (text: string) => (hasColor ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = styled(1);
export const dim = styled(2);
export const red = styled(31);
export const green = styled(32);

const ERASE_LINE = "\r\u001b[2K";
let pending = false;

/** Prints a line that the next one replaces; only a terminal shows it. */
export function progress(text: string): void {
  if (!isTerminal) return;
  process.stdout.write(`${ERASE_LINE}${dim(text)}`);
  pending = true;
}

export function print(line = ""): void {
  process.stdout.write(`${pending ? ERASE_LINE : ""}${line}\n`);
  pending = false;
}

/** Columns as wide as their widest cell; all but the first are aligned to the right. */
export function table(rows: string[][]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}
