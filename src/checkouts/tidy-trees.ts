import { rmSync } from "node:fs";
import { linkTarget, toTrash } from "../git/disk/layout.js";
import { indexOf, treeDir } from "../git/tree/trees.js";
import type { Checkout, Tree } from "./ledger.js";
import { freeSince, isGraceOver, type PoolContext, placeOf } from "./pool-context.js";
import { sweepStrays } from "./sweep-strays.js";

/** A second free tree is kept this long, in case of another burst of pushes. */
const SURPLUS_MS = 600_000;
/** A failed removal is retried after this time, unless a refresh comes first. */
const RETRY_MS = 600_000;

/**
 * Removes trees that no reader can use any more and no publish will need.
 * @returns when the next tree is due, in milliseconds since 1970; null when there is none
 */
export function tidyTrees(context: PoolContext, id: number, slug: string): number | null {
  const { ledger, layout, obstacles, unswept } = context;
  const checkout = ledger.get(id, slug);
  const shown = checkout && linkTarget(checkout.link);
  const isShown = (tree: Tree) => tree.n === checkout?.n || treeDir(placeOf(context, tree)) === shown;
  const others = ledger.trees(id, slug).filter((tree) => !isShown(tree));
  const later = removeDue(context, checkout, others);
  const base = layout.trees(id, slug);
  if (unswept.has(base)) sweepStrays(context, id, slug, shown);
  if (checkout === null && ledger.trees(id, slug).length === 0)
    obstacles.pass(base, () => toTrash(layout, base));
  return later;
}

/** @returns when the next tree is due; null when there is none */
function removeDue(context: PoolContext, checkout: Checkout | null, trees: Tree[]): number | null {
  const now = context.now();
  let later: number | null = null;
  let spares = 0;
  for (const tree of trees.sort((a, b) => freeSince(context, b) - freeSince(context, a))) {
    const isSpare = mayBePublished(context, tree, checkout);
    const isFree = isGraceOver(context, tree);
    if (isSpare && isFree) spares += 1;
    const keptUntil = freeSince(context, tree) + (isSpare ? SURPLUS_MS : 0);
    if (isSpare && isFree && spares <= 1) continue;
    if (keptUntil <= now && removeTree(context, tree)) continue;
    const next = keptUntil <= now ? now + RETRY_MS : keptUntil;
    later = Math.min(later ?? next, next);
  }
  return later;
}

/** Whether the tree can become the checkout's next published tree. */
const mayBePublished = ({ boot }: PoolContext, tree: Tree, checkout: Checkout | null): boolean =>
  checkout !== null && tree.state === "ready" && tree.options === checkout.options && tree.boot === boot;

/**
 * @returns whether the tree was removed; a tree that cannot be removed is marked corrupt and retried later
 */
export function removeTree(context: PoolContext, tree: Tree): boolean {
  const { ledger, layout, obstacles } = context;
  const place = placeOf(context, tree);
  const isGone = obstacles.pass(treeDir(place), () => {
    toTrash(layout, treeDir(place));
    for (const file of [indexOf(place), `${indexOf(place)}.lock`]) rmSync(file, { force: true });
  });
  if (isGone) ledger.dropTree(tree);
  else ledger.putTree({ ...tree, state: "spoilt" });
  return isGone;
}
