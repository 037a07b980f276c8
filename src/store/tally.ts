import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { monotonicMs } from "../base/clock.js";
import { writeDurablySync } from "../machine/durable.js";
import type { Facts } from "./facts.js";

/**
 * The same tally is stored beside the mirrors and in the database; each pass and each change writes a new
 * tally.
 */
const FACT = "tally";
/** Changes write a tally at most this often, however busy a server is. */
const PACE_MS = 60_000;
const UNWRITABLE =
  "this file cannot be written; without it the next start compares every mirror with GitHub. Check its owner and mode, and the disk";

/**
 * The tally shows whether database and mirrors are from the same time. Where one of them was restored from a
 * backup, or lost, what the database says of the mirrors proves nothing.
 */
export interface Tally {
  matches(): boolean;
  /**
   * Writes a new tally to both places. Logs a warning when the file cannot be written. @throws what the
   * database throws
   */
  next(): void;
  /** A mirror has changed: a new tally is written, at the earliest a minute after the last one. */
  changed(): void;
  /** Writes the last tally without waiting. Never throws. */
  close(): void;
}

type Log = { warn(details: object, message: string): void };

export function createTally(file: string, facts: Facts, log: Log, now: () => number = monotonicMs): Tally {
  const known = () => facts.get<string[]>(FACT) ?? [];
  let writtenAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;

  function next(): void {
    writtenAt = now();
    const tally = randomBytes(8).toString("hex");
    // After a kill between the two writes, the file has one of the two tallies. After both writes, the
    // earlier tally is from another time.
    facts.set(FACT, [tally, ...known().filter((it) => it === read(file))]);
    if (write(tally)) facts.set(FACT, [tally]);
  }

  /**
   * Without the file the database has tallies that the mirrors lack, so a later start compares more than
   * necessary.
   */
  function write(tally: string): boolean {
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
      writeDurablySync(file, `${tally}\n`);
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
        "could not store the marker that ties the mirrors to the database",
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
