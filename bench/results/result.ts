/** A table, whose first row is the heading, or a line of text. */
export type ReportItem = string | { title?: string; rows: string[][] };

/** What a benchmark has found. */
export interface Outcome {
  items: ReportItem[];
  /** The same as numbers, as --json prints them. */
  figures: unknown;
}

/** What is kept of a benchmark's last published run. */
export interface Result extends Outcome {
  /** The day, such as 2026-11-27. */
  date: string;
  machine: string;
  command: string;
}
