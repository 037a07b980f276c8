import { existsSync } from "node:fs";
import { treeDir } from "../git/tree/trees.js";
import { type Tree, writtenTo } from "./ledger.js";
import { freeSince, isGraceOver, type Key, type PoolTools, placeOf } from "./pool-context.js";

/**
 * @returns an unused tree marked dirty, and its present contents; null contents mean that the tree must be
 * built
 */
export function takeTree(
  tools: PoolTools,
  { id, slug, options }: Key,
  sha: string,
  content: string,
): { tree: Tree; from: string | null } {
  const { ledger, requireSpace, boot, now } = tools;
  const all = ledger.trees(id, slug);
  const published = ledger.get(id, slug)?.n;
  const isUsable = (tree: Tree) => tree.state === "ready" && tree.options === options && tree.boot === boot;
  const free = all.filter((tree) => tree.n !== published && isUsable(tree) && isGraceOver(tools, tree));
  // The most recently unpublished tree differs least from the new commit.
  const [found] = free.sort((a, b) => freeSince(tools, b) - freeSince(tools, a));
  if (!found) requireSpace();
  const tree: Tree = {
    id,
    slug,
    n: found?.n ?? findUnused(tools, { id, slug }, all),
    state: "dirty",
    sha,
    content,
    options,
    boot,
    freedAt: null,
    checkedAt: now(),
  };
  // A kill leaves the mark. A power cut may take it; the tree is one of another boot then, and not used unchecked.
  const mark = boot === "" ? ledger.transaction : ledger.unsynced;
  mark(() => ledger.putTree(tree));
  return { tree, from: found ? writtenTo(found) : null };
}

/** Readers may still use a tree that a database restored from a backup does not know. */
function findUnused(tools: PoolTools, key: Omit<Key, "options">, all: Tree[]): number {
  let n = Math.max(0, ...all.map((tree) => tree.n)) + 1;
  while (existsSync(treeDir(placeOf(tools, { ...key, n })))) n++;
  return n;
}
