import type { CheckoutChange } from "../base/model.js";
import { dropLink, type Layout } from "../git/disk/layout.js";
import { treeDir } from "../git/tree/trees.js";
import type { Checkout, Ledger, Tree } from "./ledger.js";
import type { Obstacles } from "./obstacles.js";

export interface PoolTools {
  ledger: Ledger;
  layout: Layout;
  obstacles: Obstacles;
  graceMs: number;
  /** Checks free disk before a tree is added. @throws RefreshError `disk_low` */
  requireSpace(): void;
  published(id: number, change: CheckoutChange): void;
  /** The machine's boot id; data written under an earlier boot may not have reached the disk. */
  boot: string;
  now(): number;
}

/** The state that the pool's functions share. */
export interface PoolContext extends PoolTools {
  /** Checkouts whose ledger agrees with the directories on disk. */
  healed: Set<string>;
  /** Checkouts with stray files that could not be removed. */
  unswept: Set<string>;
}

/** The trees of one checkout. */
export interface Key {
  id: number;
  slug: string;
  options: string;
}

export const placeOf = (
  { layout }: Pick<PoolTools, "layout">,
  { id, slug, n }: { id: number; slug: string; n: number },
) => ({ base: layout.trees(id, slug), n });

export const isGraceOver = ({ graceMs, now }: PoolTools, { freedAt }: Tree): boolean =>
  freedAt === null || freedAt + graceMs <= now();

/** The time since when no reader can use the tree, in milliseconds. */
export const freeSince = ({ graceMs }: PoolTools, { freedAt }: Tree): number => (freedAt ?? 0) + graceMs;

/** Removes the public name of the checkout's tree. */
export function unlinkTree({ layout }: Pick<PoolTools, "layout">, { id, slug, n, link }: Checkout): void {
  if (n !== null) dropLink(link, treeDir({ base: layout.trees(id, slug), n }));
}
