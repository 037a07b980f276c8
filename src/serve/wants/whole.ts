import { monotonicMs } from "../../base/clock.js";
import { dropOldest } from "../../base/drop-oldest.js";
import type { Served } from "../upload-pack.js";

/** Commits that GitHub gives by their names, and that a mirror was found to have with their whole history. */
export interface WholeCommits {
  has(mirror: Served & { id: number }, commit: string): boolean;
  add(mirror: Served & { id: number }, commit: string): void;
}

interface Proofs {
  /** Whether GitHub has said yes to the object in the last minutes. */
  isProven(repositoryId: number, id: string): boolean;
}

/** What was fetched for a reader is kept for longer. */
const KEPT_MS = 5 * 60_000;
const MAX_KEPT = 10_000;

/** Two hundred readers of one commit need git once to look for it. */
export function createWhole(github: Proofs, clock: () => number = monotonicMs): WholeCommits {
  const foundAt = new Map<string, number>();
  return {
    has({ id, dir }, commit) {
      const at = foundAt.get(`${dir} ${commit}`);
      return at !== undefined && clock() - at < KEPT_MS && github.isProven(id, commit);
    },
    add({ dir }, commit) {
      const key = `${dir} ${commit}`;
      foundAt.delete(key);
      foundAt.set(key, clock());
      dropOldest(foundAt, MAX_KEPT);
    },
  };
}
