import type { RepositoryName } from "../base/model.js";
import { fullName } from "../base/names.js";
import type { Refusal } from "./ledger.js";

/** A commit that is about to be published. */
export interface Candidate {
  repository: RepositoryName;
  mirror: string;
  ref: string;
  /** The object that the ref points at: the commit or a tag of it. */
  tip: string;
  sha: string;
  /** The commit that is published now; null when there is none. */
  before: string | null;
}

/** Returns what a log line says of a candidate. */
export const described = ({ repository, ref, sha, before }: Candidate) => ({
  repository: fullName(repository),
  ref,
  commit: sha,
  before,
});

/** The reason for not publishing a commit; null when publishing is allowed. */
export type Verdict = Pick<Refusal, "reason" | "output"> | null;

/** At most this many characters of a gate program's output are stored. */
export const MAX_OUTPUT = 16 * 1024;
