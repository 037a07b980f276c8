import { join } from "node:path";

/** One of the working trees that a checkout is published from. */
export interface TreePlace {
  /** The directory of all trees of the checkout. */
  base: string;
  n: number;
  mirror: string;
  /** The store of objects that the mirror does not have. */
  store?: string | null;
  /** Only these files and directories; empty: all. */
  paths: readonly string[];
}

type Numbered = Pick<TreePlace, "base" | "n">;

/** Returns the directory of the tree that readers see. */
export const treeDir = ({ base, n }: Numbered): string => join(base, String(n));

/**
 * Returns a temporary place; what a killed process leaves there is cleared.
 */
export const besideOf = ({ base, n }: Numbered): string => join(base, `${n}.new`);

export const indexOf = ({ base, n }: Numbered): string => join(base, `${n}.index`);

/** Returns where a new index is written, which replaces the old one once it is whole. */
export const newIndexOf = ({ base, n }: Numbered): string => join(base, `${n}.index.new`);
