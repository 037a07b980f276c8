import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Facts } from "./facts.js";

/** Beside the mirrors and in the database stands the same word, another one after each pass and change. */
const FACT = "tally";
/** At most so often for changes, however busy a server is. */
const PACE_MS = 60_000;
const UNWRITABLE =
  "this file cannot be written; without it the next start compares every mirror with GitHub. Check its owner and mode, and the disk";

/**
 * Whether database and mirrors are of one time: where one of them was restored from a backup, or lost, what the
 * database says of the mirrors proves nothing.
 */
export interface Tally {
  matches(): boolean;
  /** Another word, in both. Where its file cannot be written that is told. @throws what the database does */
  next(): void;
  /** A mirror has changed: another word, a minute after the last one at the soonest. */
  changed(): void;
  /** The last word, which waits for nothing. Never throws. */
  close(): void;
}

type Log = { warn(details: object, message: string): void };

export function createTally(file: string, facts: Facts, log: Log, now: () => number = Date.now): Tally {
  const known = () => facts.get<string[]>(FACT) ?? [];
  let writtenAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;

  function next(): void {
    writtenAt = now();
    const word = randomBytes(8).toString("hex");
    // Killed between the writes, the mirrors have one of the two; after them the one before is of another time.
    facts.set(FACT, [word, ...known().filter((it) => it === read(file))]);
    if (write(word)) facts.set(FACT, [word]);
  }

  /** Without it the database has words that the mirrors have not: a later start compares more than it need. */
  function write(word: string): boolean {
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
      writeFileSync(file, `${word}\n`, { flush: true });
      return true;
    } catch (error) {
      const { message } = error as Error;
      log.warn({ event: "tally_not_written", path: file, reason: message }, UNWRITABLE);
      return false;
    }
  }

  function attempt(): void {
    timer = null;
    try {
      next();
    } catch (error) {
      log.warn(
        { event: "tally_not_stored", err: error },
        "could not store the mirrors' marker in the database",
      );
    }
  }

  return {
    matches() {
      const words = known();
      return words.length === 0 ? read(file) === null : words.includes(read(file) ?? "");
    },
    next,
    changed() {
      timer ??= setTimeout(attempt, Math.max(0, writtenAt + PACE_MS - now())).unref();
    },
    close() {
      if (timer) clearTimeout(timer);
      attempt();
    },
  };
}

function read(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return null;
  }
}
