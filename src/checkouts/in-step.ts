import { existsSync } from "node:fs";
import { type Layout, linkTarget } from "../git/disk/layout.js";
import { treeDir } from "../git/tree/trees.js";
import type { Checkout, Ledger } from "./ledger.js";
import type { Pool } from "./pool.js";

interface Tools {
  ledger: Pick<Ledger, "tree">;
  pool: Pick<Pool, "place">;
  layout: Layout;
}

/** Compares the ledger with the link and the tree; costs one lookup each. */
export function isInStep({ ledger, pool }: Tools, known: Checkout | null, wanted: Checkout): boolean {
  if (!known || known.n === null || known.tip !== wanted.tip) return false;
  if (known.ref !== wanted.ref || known.options !== wanted.options || known.link !== wanted.link)
    return false;
  const tree = ledger.tree(known.id, known.slug, known.n);
  const dir = tree && treeDir(pool.place(tree));
  return tree?.state === "ready" && linkTarget(known.link) === dir && existsSync(dir!);
}

/** Whether the link leads to a newer tree that the ledger does not record yet. */
export function isMoved({ layout }: Tools, { id, slug, n, link }: Checkout): boolean {
  const shown = linkTarget(link);
  const isOwn = n !== null && shown === treeDir({ base: layout.trees(id, slug), n });
  return shown !== null && !isOwn && existsSync(shown);
}
