import type { RunGit } from "../run/exec.js";
import { buildTree } from "./build.js";
import { findDifferences, findDifferencesInContent } from "./differences.js";
import { type DirectUpdate, updateDirectly } from "./direct-update.js";
import type { TreePlace } from "./place.js";
import { updateTree } from "./update.js";
import type { TreeWork } from "./work.js";

export { indexOf, type TreePlace, treeDir } from "./place.js";

interface TreesTools {
  git: RunGit;
  timeoutMs: number;
  /** Whether small changes are written without git. */
  direct: boolean;
}

export interface Trees {
  /** Writes the whole tree again, and verifies all of it. */
  build(place: TreePlace, commit: string, signal?: AbortSignal): Promise<void>;
  /**
   * Turns a tree into that of another commit, writing what differs between the two, and verifies the result.
   * @returns how many files differed; null: the tree has to be rebuilt
   * @throws RefreshError; the tree is then a mixture of both commits
   */
  update(place: TreePlace, from: string, to: string, signal?: AbortSignal): Promise<number | null>;
  /**
   * Turns a tree into that of another commit without git, where the two differ in the contents of a few files. Its index
   * is still that of the earlier commit, and `settle` brings it in step.
   * @returns null: nothing has changed, and the tree is to be updated by git
   * @throws Error; the tree is then a mixture of both commits
   */
  updateDirectly(place: TreePlace, from: string, to: string): Promise<DirectUpdate | null>;
  /**
   * Returns the files that are not the commit's, or that the tree lacks, and how many. @param content true:
   * compares content, not times alone
   */
  differences(place: TreePlace, commit: string, content?: boolean, signal?: AbortSignal): Promise<string[]>;
}

export function createTrees({ git, timeoutMs, direct }: TreesTools): Trees {
  const workOn = (place: TreePlace, signal?: AbortSignal): TreeWork => ({ git, timeoutMs, place, signal });
  return {
    build: (place, commit, signal) => buildTree(workOn(place, signal), commit),
    update: (place, from, to, signal) => updateTree(workOn(place, signal), from, to),
    updateDirectly: async (place, from, to) => (direct ? updateDirectly(workOn(place), from, to) : null),
    differences: (place, commit, content = false, signal) =>
      (content ? findDifferencesInContent : findDifferences)(workOn(place, signal), commit),
  };
}
