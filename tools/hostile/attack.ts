import type { Random } from "../random.js";
import type { Target } from "./target.js";

/** What Lockstep may do with a request. */
export type Expected =
  /** A 4xx, or the end of the connection without an answer. */
  | "refusal"
  /** An answer below 500. */
  | "answer"
  /** An answer below 500, or none. */
  | "anything";

/** One hostile request. */
export interface Attempt {
  bytes: Buffer;
  expected: Expected;
  /** Whether it is rightly signed or carries the API token, so that Lockstep may act on it and tell what it knows. */
  isVerified: boolean;
  /** Where it is sent; default Lockstep's own port. */
  port?: number;
  /** Texts that no answer may have, whoever asks. */
  secrets?: readonly string[];
  /**
   * What the client does when it has sent everything: it waits for the end of the connection (default), closes its side,
   * leaves, or keeps the connection for the next request.
   */
  ending?: "wait" | "half-close" | "leave" | "keep";
}

/** Where a request is in the run; all of it follows from the seed and the number. */
export interface Draw {
  random: Random;
  /** The number of the request in the whole run, from 0. */
  number: number;
  /** How many requests of the same kind came before. */
  turn: number;
}

/** One kind of hostile request. */
export interface Attack {
  /** The name for `--only`, in kebab case. */
  name: string;
  /** Its share of the requests, relative to the other kinds. */
  weight: number;
  /** The line in docs/security.md. */
  about: string;
  make(target: Target, draw: Draw): Attempt;
}

/** Returns one of a list that is not empty. */
export const one = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)]!;
