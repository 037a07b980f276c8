import type { RunGit } from "../run/exec.js";
import { buildTree } from "./build.js";
import { findDifferences, findDifferencesInContent } from "./differences.js";
import type { TreePlace } from "./place.js";
import { updateTree } from "./update.js";
import type { TreeWork } from "./work.js";

export { indexOf, type TreePlace, treeDir } from "./place.js";

export interface Trees {
  /** Writes the whole tree anew, and verifies all of it. */
  build(place: TreePlace, commit: string, signal?: AbortSignal): Promise<void>;
  /**
   * Turns a tree into that of another commit, writing what differs between the two, and verifies that.
   * @returns how many files differed; null: it has to be built anew
   * @throws RefreshError; what is there then is a mixture
   */
  update(place: TreePlace, from: string, to: string, signal?: AbortSignal): Promise<number | null>;
  /** Files that are not the commit's, or that it does not have, and how many. @param content not by their times alone */
  differences(place: TreePlace, commit: string, content?: boolean): Promise<string[]>;
}

export function createTrees({ git, timeoutMs }: { git: RunGit; timeoutMs: number }): Trees {
  const workOn = (place: TreePlace, signal?: AbortSignal): TreeWork => ({ git, timeoutMs, place, signal });
  return {
    build: (place, commit, signal) => buildTree(workOn(place, signal), commit),
    update: (place, from, to, signal) => updateTree(workOn(place, signal), from, to),
    differences: (place, commit, content = false) =>
      (content ? findDifferencesInContent : findDifferences)(workOn(place), commit),
  };
}
