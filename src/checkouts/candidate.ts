import type { RepositoryName } from "../base/model.js";
import type { Refusal } from "./ledger.js";

/** What is to be published. */
export interface Candidate {
  repository: RepositoryName;
  mirror: string;
  ref: string;
  /** What the ref points at: the commit, or a tag of it. */
  tip: string;
  sha: string;
  /** The commit that is published now; null: none is. */
  before: string | null;
}

/** Why it is not published; null: it may be. */
export type Verdict = Pick<Refusal, "reason" | "output"> | null;

/** So much is kept of what a program of the gate says. */
export const MAX_OUTPUT = 16 * 1024;
