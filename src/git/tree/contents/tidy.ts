import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { repackStore } from "../../mirror/repack.js";
import type { GitCall } from "../../run/exec.js";
import { entriesIn, heldDir, modulesDir, packDir, runInStore, type StoreContext } from "./context.js";

/** What a store must keep: trees by the number of their directory, and commits of submodules. */
export interface Needed {
  trees: number[];
  commits: Set<string>;
}

/** With more files or packs than this, the store is packed again. */
const MAX_STRAY = 20;
const MAX_PACKS = 20;
/** The limit counts files in one of 256 directories. */
const MAX_LOOSE = 8;

/** Drops what is no longer needed, once that is worth it. @returns whether anything was dropped */
export async function tidyStoreWhenDue(store: StoreContext, needed: Needed): Promise<boolean> {
  dropHeld(store, needed.trees);
  const stray = findStray(store, needed.commits);
  if (!isDue(store, stray)) return false;
  await dropStray(store, stray);
  return true;
}

/** Drops what is no longer needed. */
export async function tidyStore(store: StoreContext, needed: Needed): Promise<void> {
  dropHeld(store, needed.trees);
  await dropStray(store, findStray(store, needed.commits));
}

function dropHeld({ dir }: StoreContext, needed: number[]): void {
  const unneeded = readdirSync(heldDir(dir)).filter(
    (name) => name !== "new" && !needed.includes(Number(name)),
  );
  for (const name of unneeded) rmSync(join(heldDir(dir), name));
}

const findStray = ({ dir }: StoreContext, needed: Set<string>): string[] =>
  readdirSync(modulesDir(dir)).filter((name) => !needed.has(name));

function isDue({ dir }: StoreContext, stray: string[]): boolean {
  const packs = entriesIn(packDir(dir)).filter((name) => name.endsWith(".pack"));
  const loose = entriesIn(join(dir, "objects", "17"));
  return stray.length > MAX_STRAY || packs.length > MAX_PACKS || loose.length > MAX_LOOSE;
}

async function dropStray(store: StoreContext, stray: string[]): Promise<void> {
  const modules = modulesDir(store.dir);
  for (const name of stray) rmSync(join(modules, name));
  /** Files of LFS have nothing in common that a delta could save. */
  const packing = (args: string[], more: Partial<GitCall> = {}) =>
    runInStore(store, args, { ...more, config: { "core.bigFileThreshold": "1m" } });
  await repackStore(packing, store.dir, readdirSync(modules));
}
