import { existsSync } from "node:fs";
import { ZERO } from "../base/model.js";
import { linkTarget } from "../git/disk/layout.js";
import { indexOf, treeDir } from "../git/tree/trees.js";
import type { Checkout, Tree } from "./ledger.js";
import { type PoolContext, placeOf } from "./pool-context.js";
import { sweepStrays } from "./sweep-strays.js";
import { removeTree } from "./tidy-trees.js";

/** Repairs what a killed process left, once for each checkout: the link decides which tree is published. */
export function healTrees(context: PoolContext, id: number, slug: string, link: string): void {
  const { ledger, layout, healed } = context;
  const base = layout.trees(id, slug);
  if (healed.has(base)) return;
  const target = linkTarget(link);
  const checkout = ledger.get(id, slug);
  for (const tree of ledger.trees(id, slug)) healTree(context, tree, checkout, target);
  sweepStrays(context, id, slug, target);
  healed.add(base);
}

function healTree(context: PoolContext, tree: Tree, checkout: Checkout | null, target: string | null): void {
  const place = placeOf(context, tree);
  const dir = treeDir(place);
  const isThere = existsSync(dir);
  const isLinked = target === dir;
  const isWhole = isThere && existsSync(indexOf(place));
  if (isLinked && isThere) {
    // A link only ever leads to a verified tree, and readers use that tree until another one is published.
    const state = isWhole ? "ready" : "spoilt";
    if (checkout?.n !== tree.n) adopt(context, tree, { state, checkout });
    else if (!isWhole) context.ledger.putTree({ ...tree, state });
  } else if (!isWhole || (tree.state === "dirty" && !isLinked)) removeTree(context, tree);
}

interface Found {
  state: Tree["state"];
  checkout: Checkout | null;
}

/**
 * The link was moved, but the process was killed before the ledger recorded the move. After a power cut the row may be from
 * before the tree was written, so that it says nothing about the tree.
 */
function adopt({ ledger, published, boot, now }: PoolContext, tree: Tree, { state, checkout }: Found): void {
  const isKnown = tree.boot === boot;
  ledger.transaction(() => {
    ledger.putTree({ ...tree, state: isKnown ? state : "spoilt" });
    const old = checkout?.n == null ? null : ledger.tree(tree.id, tree.slug, checkout.n);
    if (old) ledger.putTree({ ...old, freedAt: now() });
    if (!checkout) return;
    if (!isKnown) return ledger.put({ ...checkout, n: tree.n });
    const { sha } = tree;
    // The tag's object is unknown, so the tree is published once more.
    ledger.put({ ...checkout, n: tree.n, sha, wanted: sha, publishedAt: now(), refusal: null, tip: sha });
    const { id, ref, link: path } = checkout;
    published(id, { ref, path, before: checkout.sha ?? ZERO, after: sha ?? ZERO });
  });
}
