import { existsSync, readFileSync } from "node:fs";
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
  /** Before one more tree is made. @throws RefreshError `disk_low` */
  requireSpace(): void;
  published(id: number, change: CheckoutChange): void;
  now(): number;
}

/** What the pool's functions work on. */
export interface PoolContext extends PoolTools {
  /** Where the trees are whose ledger agrees with what is on disk. */
  healed: Set<string>;
  /** Where strays are left that could not be removed. */
  unswept: Set<string>;
}

/** The trees of one checkout. */
export interface Key {
  id: number;
  slug: string;
  options: string;
}

/** random(4): another one after each start of the machine. */
export const BOOT = existsSync("/proc/sys/kernel/random/boot_id")
  ? readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  : "";

export const placeOf = (
  { layout }: Pick<PoolTools, "layout">,
  { id, slug, n }: { id: number; slug: string; n: number },
) => ({ base: layout.trees(id, slug), n });

export const isGraceOver = ({ graceMs, now }: PoolTools, { freedAt }: Tree): boolean =>
  freedAt === null || freedAt + graceMs <= now();

/** Since when nobody may hold it. */
export const freeSince = ({ graceMs }: PoolTools, { freedAt }: Tree): number => (freedAt ?? 0) + graceMs;

/** Takes a tree's public name away. */
export function unlinkTree({ layout }: Pick<PoolTools, "layout">, { id, slug, n, link }: Checkout): void {
  if (n !== null) dropLink(link, treeDir({ base: layout.trees(id, slug), n }));
}
