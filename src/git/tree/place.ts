import { join } from "node:path";

/** One of the working trees that a checkout is published from. */
export interface TreePlace {
  /** Where all trees of the checkout are. */
  base: string;
  n: number;
  mirror: string;
  /** Of objects that the mirror does not have. */
  store?: string | null;
  /** Only these files and directories; empty: all of them. */
  paths: readonly string[];
}

type Numbered = Pick<TreePlace, "base" | "n">;

/** Where the tree that readers see is. */
export const treeDir = ({ base, n }: Numbered): string => join(base, String(n));

/** A place for a moment; what a killed process leaves there is cleared. */
export const besideOf = ({ base, n }: Numbered): string => join(base, `${n}.anew`);

export const indexOf = ({ base, n }: Numbered): string => join(base, `${n}.index`);

/** Where an index is made that takes the other's place once it is whole. */
export const newIndexOf = ({ base, n }: Numbered): string => join(base, `${n}.index.anew`);
