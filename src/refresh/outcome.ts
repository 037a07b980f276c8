import { RefreshError } from "../base/errors.js";
import type { RefreshOutcome } from "../base/model.js";
import type { Brought } from "./bring.js";

/** The result of bringing a mirror's refs. */
export interface Result {
  outcome: RefreshOutcome;
  behind: boolean;
  notYet: RefreshError | null;
}

/** The repository is not managed, so nothing was refreshed. */
export const SKIPPED: RefreshOutcome = { result: "skipped", changes: [], way: "none" };

export function outcomeOf({ changes, superseded }: Brought, way: RefreshOutcome["way"]): RefreshOutcome {
  const result = superseded ? "superseded" : changes.length > 0 ? "changed" : "unchanged";
  return { result, changes, way };
}

export const paused = () => new RefreshError("paused", "An operator paused the repository");
