import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Facts } from "./facts.js";

/** Beside the mirrors and in the database stands the same word, another one after each pass. */
const FACT = "tally";
/** The newest first; killed between the two writes, the mirrors still have the one before. */
const KEPT = 2;

/**
 * Whether database and mirrors are of one time: where one of them was restored from a backup, or lost, what the
 * database says of the mirrors proves nothing.
 */
export interface Tally {
  matches(): boolean;
  /** Another word, in both. */
  next(): void;
}

export function createTally(file: string, facts: Facts): Tally {
  const known = () => facts.get<string[]>(FACT) ?? [];
  return {
    matches() {
      const words = known();
      return words.length === 0 ? read(file) === null : words.includes(read(file) ?? "");
    },
    next() {
      const word = randomBytes(8).toString("hex");
      facts.set(FACT, [word, ...known()].slice(0, KEPT));
      mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
      writeFileSync(file, `${word}\n`);
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
