import { mkdirSync, readdirSync } from "node:fs";
import { RefreshError } from "../base/errors.js";
import { readOptions } from "../config/checkouts.js";
import { ownership, writeMarker } from "../git/disk/layout.js";
import { storeDir } from "../git/tree/content-store.js";
import { isMore } from "./contents.js";
import { healTrees } from "./heal-trees.js";
import type { Checkout, Tree } from "./ledger.js";
import {
  isGraceOver,
  type Key,
  type PoolContext,
  type PoolTools,
  placeOf,
  unlinkTree,
} from "./pool-context.js";
import { takeTree } from "./take-tree.js";
import { tidyTrees } from "./tidy-trees.js";

/**
 * A small pool of trees for each checkout. One tree is published, readers may still use others, and one whose
 * grace is over becomes the next. The pool grows when none is free.
 */
export function createPool(tools: PoolTools) {
  const context: PoolContext = { ...tools, healed: new Set(), unswept: new Set() };
  const { layout } = tools;
  return {
    /**
     * @returns an unused tree marked dirty, and its present contents; null contents mean that the tree must
     * be built
     */
    take: (key: Key, sha: string, content: string) => takeTree(context, key, sha, content),
    /** @throws RefreshError `foreign` when something else occupies the trees' directory */
    claim: (id: number, slug: string): Promise<void> => claim(context, id, slug),
    /** Removes trees that are due. @returns when more trees are due; null when there are none */
    tidy: (id: number, slug: string) => tidyTrees(context, id, slug),
    graceIsOver: (tree: Tree): boolean => isGraceOver(context, tree),
    heal: (id: number, slug: string, link: string): void => healTrees(context, id, slug, link),
    /** Marks the checkout so that the ledger is compared with the link again. */
    doubt: (id: number, slug: string): void => void context.healed.delete(layout.trees(id, slug)),
    trust: (id: number, slug: string): void => void context.healed.add(layout.trees(id, slug)),
    place(tree: Tree) {
      const { base, n } = placeOf(context, tree);
      const options = readOptions(tree.options);
      const store = isMore(options) ? storeDir(base) : null;
      return { base, n, mirror: layout.mirror(tree.id), store, paths: options.paths };
    },
    unlink: (checkout: Checkout): void => unlinkTree(context, checkout),
    /** Unpublishes a tree; readers may use it until the grace is over. */
    withdraw: (checkout: Checkout): void => withdraw(context, checkout),
  };
}

export type Pool = ReturnType<typeof createPool>;

async function claim({ layout }: PoolContext, id: number, slug: string): Promise<void> {
  const base = layout.trees(id, slug);
  mkdirSync(base, { recursive: true, mode: 0o750 });
  const owner = ownership(base, id);
  if (owner === "ours") return;
  if (owner !== "broken" && readdirSync(base).length > 0)
    throw new RefreshError("foreign", `${base} was not made by Lockstep`);
  await writeMarker(base, id);
}

function withdraw(context: PoolContext, checkout: Checkout): void {
  const { ledger, now } = context;
  const { id, slug, n } = checkout;
  unlinkTree(context, checkout);
  const tree = n === null ? null : ledger.tree(id, slug, n);
  if (tree) ledger.putTree({ ...tree, freedAt: now() });
}
