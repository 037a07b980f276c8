import type { Readable } from "node:stream";

/** A line of Lockstep's log; one that is not JSON becomes its `msg`. */
export interface LogLine {
  level?: number;
  time?: number;
  msg?: string;
  /** The constant name of what is logged; Probot's own lines have none. */
  event?: string;
  [field: string]: unknown;
}

/** A line that has not come by then never comes, however busy the machine is. */
const HANGS_MS = 180_000;

interface Waiter {
  predicate: (line: LogLine) => boolean;
  resolve: (line: LogLine) => void;
}

/** A process's log as it comes in. */
export class LogLines {
  readonly all: LogLine[] = [];
  readonly #waiters = new Set<Waiter>();

  read(stream: Readable): void {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") this.#add(parse(line));
    });
    stream.on("end", () => rest !== "" && this.#add(parse(rest)));
  }

  /** Returns the first line, existing or later, that the predicate is true for. */
  waitFor(predicate: (line: LogLine) => boolean, timeoutMs = HANGS_MS): Promise<LogLine> {
    const there = this.all.find(predicate);
    if (there) return Promise.resolve(there);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error(`no such log line within ${timeoutMs} ms; the last ones:\n${this.tail()}`));
      }, timeoutMs);
      const waiter: Waiter = {
        predicate,
        resolve: (line) => {
          clearTimeout(timer);
          resolve(line);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** The newest lines, as one text. */
  tail(count = 20): string {
    return this.all
      .slice(-count)
      .map((line) => JSON.stringify(line))
      .join("\n");
  }

  #add(line: LogLine): void {
    this.all.push(line);
    for (const waiter of this.#waiters) {
      if (!waiter.predicate(line)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(line);
    }
  }
}

function parse(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value as LogLine;
  } catch {
    // The line is not Lockstep's: a warning of node's, say.
  }
  return { msg: line };
}
