import { asRefreshError, type RefreshError } from "../base/errors.js";
import { type Trees, treeDir } from "../git/tree/trees.js";
import type { Blobs } from "./blobs.js";
import { type Tree, writtenTo } from "./ledger.js";
import type { Pool } from "./pool.js";
import { type TidyContext, tidy } from "./schedule-tidy.js";

export type CheckContext = TidyContext & {
  pool: Pick<Pool, "place">;
  /** The machine's boot id. */
  boot: string;
  trees: Pick<Trees, "differences">;
  blobs: Pick<Blobs, "mayLack">;
  /** Requests a refresh of a repository whose published tree differs from its commit. */
  request(id: number): void;
};

/** Each pass of the backstop checks this share of all trees. */
const CHECKED_SHARE = 1 / 12;
/** A log line names at most this many files. */
const LOGGED = 10;

/**
 * Compares trees with their commits; the trees whose last check is oldest come first. A check ends at once for a
 * publish of its repository and for a stop; its tree then comes first in the next pass.
 */
export async function checkTrees(context: CheckContext): Promise<void> {
  const { ledger, inTurn } = context;
  for (const tree of [...ledger.ofOtherBoots(context.boot), ...ledger.leastChecked(CHECKED_SHARE)])
    await inTurn.check(tree.id, (signal) => checkTree(context, tree, signal));
}

/**
 * Checks the published trees of a repository that were written before the machine was started again, so that no
 * publish leaves a tree that may not have reached the disk.
 */
export async function checkOldTrees(context: CheckContext, id: number, signal: AbortSignal): Promise<void> {
  const { ledger, boot } = context;
  const published = ledger
    .of(id)
    .flatMap(({ slug, n }) => (n === null ? [] : (ledger.tree(id, slug, n) ?? [])));
  for (const tree of published) if (tree.boot !== boot) await checkTree(context, tree, signal);
}

async function checkTree(context: CheckContext, tree: Tree, signal: AbortSignal): Promise<void> {
  try {
    await compareFiles(context, tree, signal);
  } catch (error) {
    // A check that was ended has found nothing.
    if (signal.aborted) return;
    handleUnchecked(context, tree, asRefreshError(error));
  }
}

async function compareFiles(context: CheckContext, tree: Tree, signal: AbortSignal): Promise<void> {
  const { ledger, pool, trees, log } = context;
  const found = findReady(context, tree);
  if (!found) return;
  // Writes before a crash of the machine may not have reached the disk, so file contents are read.
  const readsContent = found.boot !== context.boot;
  const checkedAt = context.now();
  const differences = await trees.differences(pool.place(found), writtenTo(found)!, readsContent, signal);
  if (signal.aborted) return;
  const checked = { ...found, checkedAt, boot: context.boot };
  if (differences.length === 0) return ledger.putTree(checked);
  const details = { tree: treeDir(pool.place(found)), differences: differences.slice(0, LOGGED) };
  log.warn(
    { event: "tree_differs", ...details, count: differences.length },
    "a tree differs from its commit; it is replaced",
  );
  ledger.putTree({ ...checked, state: "spoilt" });
  if (isShown(context, tree)) context.request(tree.id);
  else tidy(context, tree.id);
}

/**
 * The mirror may be replaced or deleted just now, which proves nothing about the tree. The next trees get
 * their turn.
 */
function handleUnchecked(context: CheckContext, tree: Tree, error: RefreshError): void {
  const { ledger, blobs, log } = context;
  const { id, n } = tree;
  const found = findReady(context, tree);
  if (!found) return;
  log.warn({ event: "tree_check_failed", id, tree: n, reason: error.message }, "a tree could not be checked");
  const isPublished = isShown(context, tree);
  // An unpublished tree is rebuilt when it is needed; the repair of a published tree also fetches missing
  // contents.
  const isCorrupt = !isPublished || blobs.mayLack(id, error);
  ledger.putTree({ ...found, checkedAt: context.now(), ...(isCorrupt ? { state: "spoilt" } : {}) });
  if (!isPublished) tidy(context, id);
  else if (isCorrupt) context.request(id);
}

/** Reads the tree's current row; null when the tree is no longer ready or Lockstep is stopping. */
function findReady(context: CheckContext, { id, slug, n }: Tree): Tree | null {
  const found = context.stopped ? null : context.ledger.tree(id, slug, n);
  return found?.state === "ready" ? found : null;
}

const isShown = ({ ledger }: CheckContext, { id, slug, n }: Tree): boolean => ledger.get(id, slug)?.n === n;
