import { asRefreshError, RefreshError } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { type Trees, treeDir } from "../git/tree/trees.js";
import { type Candidate, described, type Verdict } from "./candidate.js";
import type { Gate } from "./gate.js";
import { type Ledger, type Tree, writtenTo } from "./ledger.js";
import type { Pool } from "./pool.js";

export interface WriteTools {
  trees: Trees;
  pool: Pick<Pool, "place">;
  gate: Pick<Gate, "hasHook" | "inspect">;
  ledger: Pick<Ledger, "tree" | "putTree">;
  log: Pick<Log, "warn">;
}

/** What became of a tree's files. */
export interface WrittenFiles {
  /** The number of files written in place; null when the whole tree was written. */
  changed: number | null;
  /** What is left to be done once the tree is published; null: nothing. */
  settle: (() => Promise<void>) | null;
}

interface Contents {
  /** What the tree has; null: it must be built. */
  from: string | null;
  /** Whether the index must be in step before the tree is published, for whoever compares the tree with it. */
  needsIndex: boolean;
}

/** Writes a tree's files, in place where the tree has earlier ones. */
export async function writeFiles(
  { trees, pool, log }: WriteTools,
  tree: Tree,
  { from, needsIndex }: Contents,
  signal: AbortSignal,
): Promise<WrittenFiles> {
  const place = pool.place(tree);
  const to = writtenTo(tree)!;
  try {
    const direct = from === null || needsIndex ? null : await trees.updateDirectly(place, from, to);
    if (direct) return direct;
    const changed = from === null ? null : await trees.update(place, from, to, signal);
    if (changed !== null) return { changed, settle: null };
  } catch (error) {
    // The tree is rebuilt when someone changed it or its old commit is no longer in the mirror.
    const { code, message } = asRefreshError(error);
    if (signal.aborted || code === "disk_full") throw error;
    log.warn(
      { event: "tree_rebuilt", tree: treeDir(place), code, reason: message },
      "a tree could not be updated; it is rebuilt",
    );
  }
  await trees.build(place, to, signal);
  return { changed: null, settle: null };
}

/**
 * Does what is left to be done for a published tree. Where the tree turns out to be another than its commit's, it is
 * marked, so that the next publish replaces it. @throws RefreshError
 */
export async function settle({ ledger }: WriteTools, tree: Tree, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const found = ledger.tree(tree.id, tree.slug, tree.n);
    if (found) ledger.putTree({ ...found, state: "spoilt" });
    throw error;
  }
}

/** Runs the pre-publish hook in the new tree. @returns null: there is none, or it accepts the commit */
export async function inspect(
  { gate, pool, trees, log }: WriteTools,
  tree: Tree,
  candidate: Candidate,
  signal: AbortSignal,
): Promise<Verdict> {
  if (!gate.hasHook) return null;
  const place = pool.place(tree);
  const verdict = await gate.inspect(candidate, treeDir(place), signal);
  if (signal.aborted) throw new RefreshError("cancelled", "the pre-publish hook was stopped");
  const differences = await trees.differences(place, writtenTo(tree)!, undefined, signal);
  if (differences.length === 0) return verdict;
  log.warn(
    { event: "tree_rebuilt", ...described(candidate), differences: differences.slice(0, 10) },
    "the pre-publish hook changed the tree; it is rebuilt",
  );
  await trees.build(place, writtenTo(tree)!, signal);
  return verdict;
}
