import { RefreshError } from "../base/errors.js";
import type { RefreshOutcome } from "../base/model.js";
import type { Brought } from "./bring.js";

/** The repository is not managed, so nothing was refreshed. */
export const SKIPPED: RefreshOutcome = {
  result: "skipped",
  changes: [],
  refused: [],
  way: "none",
  open: [],
  compareInMs: null,
};

export function outcomeOf(
  { changes, refused, superseded, open }: Brought,
  way: RefreshOutcome["way"],
): RefreshOutcome {
  const result = superseded ? "superseded" : changes.length > 0 ? "changed" : "unchanged";
  return { result, changes, refused, way, open, compareInMs: null };
}

/** Whether GitHub's replicas had their time; until then the answers prove nothing about the repository. */
export const isAnswered = ({ open, compareInMs }: RefreshOutcome): boolean =>
  compareInMs === null && open.every(({ stage }) => stage === "behind");

export const paused = () => new RefreshError("paused", "An operator paused the repository");

/** For whoever waits: the refresh has ended without the push. */
export function notYetOf(outcome: RefreshOutcome | null): RefreshError | null {
  if (!outcome || isAnswered(outcome)) return null;
  const [first] = outcome.open;
  const what = first ? first.ref : "its refs";
  return new RefreshError("not_yet", `GitHub still serves ${what} as before a push`);
}
