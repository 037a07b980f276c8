import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "../../machine/durable.js";
import { clearLeftovers } from "../disk/heal.js";
import type { RunGit } from "../run/exec.js";
import type { Lease } from "../transport/lease.js";
import { heldDir, modulesDir, prepareStore, type StoreContext } from "./contents/context.js";
import { fetchCommit } from "./contents/fetch.js";
import { exemptPaths, type Graft, graftInto } from "./contents/graft.js";
import { findPresent, readTreesOf, takeIn } from "./contents/objects.js";
import { tidyStore, tidyStoreWhenDue } from "./contents/tidy.js";
import { readSubmodules, type Source, type Submodule } from "./gitmodules.js";
import { findPointers, type Scan } from "./lfs-pointers.js";

export type { Graft } from "./contents/graft.js";

/**
 * A content store is a bare repository beside a checkout's trees, with what the trees hold and the mirror
 * does not have. One tree of git's is made from both, so that writing, verifying and repairing work the same
 * way for every file.
 */
export interface ContentStore {
  readonly dir: string;
  /** How git runs on the store's objects and the mirror's. */
  readonly call: Source;
  submodules(commit: string): Promise<Submodule[]>;
  /** Returns the tree of each commit. */
  treesOf(commits: string[]): Promise<string[]>;
  has(commit: string): boolean;
  /** Brings one commit without its history, from GitHub or from a repository of this machine. */
  fetch(commit: string, from: Lease | string): Promise<void>;
  /** @returns the tree with the grafts in it */
  graft(tree: string, grafts: Graft[]): Promise<string>;
  /** @returns what to write so that these files, quoted as git prints them, are not converted */
  exempt(tree: string, paths: string[]): Promise<string>;
  pointers(tree: string, paths: string[], known: Scan | null): Promise<Scan>;
  /** Stores files unconverted. @returns the object of each */
  takeIn(files: string[]): Promise<string[]>;
  /** Returns which of the objects exist. */
  present(objects: string[]): Promise<Set<string>>;
  /** Records that directory `n` holds this tree. */
  hold(n: number, tree: string): Promise<void>;
  /**
   * Drops what is no longer needed, once that is worth it, or at once. @returns whether anything was dropped
   */
  tidy(needed: { trees: number[]; commits: Set<string> }, atOnce: boolean): Promise<boolean>;
}

export const storeDir = (base: string): string => join(base, "content.git");

export interface StoreCall {
  base: string;
  mirror: string;
  timeoutMs: number;
  signal: AbortSignal;
}

export async function openContentStore(
  git: RunGit,
  { base, mirror, ...limits }: StoreCall,
): Promise<ContentStore> {
  const dir = storeDir(base);
  const call = { gitDir: dir, alternate: join(mirror, "objects"), ...limits };
  const store: StoreContext = { git, dir, call };
  prepareStore(dir);
  // One publish of a checkout runs at a time: no git runs here now, and the files of a killed git are in the
  // way.
  await clearLeftovers(dir);

  return {
    dir,
    call,
    submodules: (commit) => readSubmodules(git, call, commit),
    treesOf: (commits) => readTreesOf(store, commits),
    has: (commit) => existsSync(join(modulesDir(dir), commit)),
    fetch: (commit, from) => fetchCommit(store, commit, from),
    graft: (tree, grafts) => graftInto(store, tree, grafts),
    exempt: (tree, paths) => exemptPaths(store, tree, paths),
    pointers: (tree, paths, known) => findPointers(git, call, tree, paths, known),
    takeIn: (files) => takeIn(store, files),
    present: (objects) => findPresent(store, objects),
    hold: (n, tree) => writeDurably(join(heldDir(dir), String(n)), `${tree}\n`),
    async tidy(needed, atOnce) {
      if (!atOnce) return tidyStoreWhenDue(store, needed);
      await tidyStore(store, needed);
      return true;
    },
  };
}
