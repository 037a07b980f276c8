import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ownership, toTrash } from "../git/disk/layout.js";
import { treeDir } from "../git/tree/trees.js";
import { type PoolContext, placeOf } from "./pool-context.js";

/**
 * Removes directory entries that are not trees of the checkout.
 * @param target the tree that the link leads to; it stays until the link changes, whether or not the ledger
 * knows it
 */
export function sweepStrays(context: PoolContext, id: number, slug: string, target: string | null): void {
  const { ledger, layout, obstacles, unswept } = context;
  const base = layout.trees(id, slug);
  unswept.delete(base);
  if (ownership(base, id) !== "ours") return;
  const trees = ledger.trees(id, slug).map(({ n }) => treeDir(placeOf(context, { id, slug, n })));
  const known = [target, ...trees];
  for (const name of readdirSync(base)) {
    const n = /^(\d+)(?:\.index)?$/.exec(name)?.[1];
    const isStray = n ? !known.includes(join(base, n)) : /\.(lock|new)$/.test(name);
    const path = join(base, name);
    if (isStray && !obstacles.pass(path, () => toTrash(layout, path))) unswept.add(base);
  }
}
