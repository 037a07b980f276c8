import { RefreshError } from "../base/errors.js";
import { formatSize } from "../base/units.js";

/** What one published tree may have, its submodules included. */
export interface TreeBudget {
  /** Submodules, each counted as often as the tree has it. */
  submodules: number;
  /** How deep submodules may be nested. */
  depth: number;
  /** Files and directories. */
  files: number;
  bytes: number;
  /** How long one publish may take, in milliseconds. */
  timeMs: number;
}

/** What a tree has, or a part of one. */
export type Totals = Omit<TreeBudget, "timeMs">;

export const NO_TOTALS: Totals = { submodules: 0, depth: 0, files: 0, bytes: 0 };

/** @throws RefreshError `tree_too_large` that names the budget and its variable */
export function requireWithin(budget: TreeBudget, { submodules, depth, files, bytes }: Totals): void {
  if (submodules > budget.submodules)
    throw tooLarge(`has more than ${budget.submodules} submodules`, "CHECKOUT_MAX_SUBMODULES");
  if (depth > budget.depth)
    throw tooLarge(`has submodules nested more than ${budget.depth} deep`, "CHECKOUT_MAX_DEPTH");
  if (files > budget.files)
    throw tooLarge(`has more than ${budget.files} files and directories`, "CHECKOUT_MAX_FILES");
  if (bytes > budget.bytes) throw tooLarge(`is larger than ${formatSize(budget.bytes)}`, "CHECKOUT_MAX_SIZE");
}

export const tooLarge = (what: string, variable: string) =>
  new RefreshError(
    "tree_too_large",
    `the tree ${what}, its submodules included; ${variable} sets this budget`,
  );

/** Returns what a tree has that contains both; the part may lie deeper. */
export const plus = (whole: Totals, part: Totals, steps = 0): Totals => ({
  submodules: whole.submodules + part.submodules + steps,
  depth: Math.max(whole.depth, part.depth + steps),
  files: whole.files + part.files,
  bytes: whole.bytes + part.bytes,
});
