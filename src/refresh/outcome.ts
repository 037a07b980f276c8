import { RefreshError } from "../base/errors.js";
import type { RefreshOutcome, RefreshRequest } from "../base/model.js";
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

/** What a refresh leaves to be asked again. */
interface StillOpen {
  refs: string[];
  /** Whether every ref is compared again. */
  full: boolean;
  /** In milliseconds from now. */
  dueInMs: number;
  /** Whether replicas lag for so long that other work no longer waits. */
  isBehind: boolean;
}

/** What GitHub's answers do not show yet, and when to ask for it again. @returns null: nothing is left */
export function whatIsLeft(
  { open, compareInMs }: RefreshOutcome,
  { hints }: RefreshRequest,
): StillOpen | null {
  if (open.length === 0 && compareInMs === null) return null;
  const hinted = new Set(hints.map(({ ref }) => ref));
  return {
    refs: open.map(({ ref }) => ref),
    // A ref that no delivery names is asked for again by comparing every ref.
    full: compareInMs !== null || open.some(({ ref }) => !hinted.has(ref)),
    dueInMs: Math.min(...open.map(({ askInMs }) => askInMs), compareInMs ?? Number.POSITIVE_INFINITY),
    isBehind: compareInMs === null && open.every(({ stage }) => stage === "behind"),
  };
}
