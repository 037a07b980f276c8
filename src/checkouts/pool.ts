import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RefreshError } from "../base/errors.js";
import { type CheckoutChange, ZERO } from "../base/model.js";
import { readOptions } from "../config/checkouts.js";
import { dropLink, type Layout, linkTarget, ownership, toTrash, writeMarker } from "../git/disk/layout.js";
import { storeDir } from "../git/tree/content-store.js";
import { indexOf, treeDir } from "../git/tree/trees.js";
import { isMore } from "./contents.js";
import { type Checkout, type Ledger, type Tree, writtenTo } from "./ledger.js";
import type { Obstacles } from "./obstacles.js";

interface Tools {
  ledger: Ledger;
  layout: Layout;
  obstacles: Obstacles;
  graceMs: number;
  /** Before one more tree is made. @throws RefreshError `disk_low` */
  requireSpace(): void;
  published(id: number, change: CheckoutChange): void;
  now(): number;
}

/** The trees of one checkout. */
export interface Key {
  id: number;
  slug: string;
  options: string;
}

/** A free tree beyond the first is kept this long, for the next burst of pushes. */
const SURPLUS_MS = 600_000;
/** What could not be removed is tried again then, if no refresh has come before. */
const AGAIN_MS = 600_000;

/** random(4): another one after each start of the machine. */
export const BOOT = existsSync("/proc/sys/kernel/random/boot_id")
  ? readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  : "";

/**
 * A small pool of trees for each checkout: one is published, others are what readers may still hold,
 * and one whose grace is over becomes the next. When none is free one more is made.
 */
export function createPool(tools: Tools) {
  const { ledger, layout, obstacles, graceMs, requireSpace, published, now } = tools;
  const healed = new Set<string>();
  /** Where strays are left that could not be removed. */
  const unswept = new Set<string>();

  const at = ({ id, slug, n }: Omit<Key, "options"> & { n: number }) => ({ base: layout.trees(id, slug), n });

  const graceIsOver = ({ freedAt }: Tree): boolean => freedAt === null || freedAt + graceMs <= now();

  /** Since when nobody may hold it. */
  const freeSince = ({ freedAt }: Tree): number => (freedAt ?? 0) + graceMs;

  /** @returns a tree that is nobody's, marked as dirty, and what it holds; null: it is to be built */
  function take(key: Key, sha: string, content: string): { tree: Tree; from: string | null } {
    const { id, slug, options } = key;
    const all = ledger.trees(id, slug);
    const published = ledger.get(id, slug)?.n;
    const usable = (tree: Tree) => tree.state === "ready" && tree.options === options && tree.boot === BOOT;
    const free = all.filter((tree) => tree.n !== published && usable(tree) && graceIsOver(tree));
    // The one unpublished last has the least to be changed.
    const [found] = free.sort((a, b) => freeSince(b) - freeSince(a));
    if (!found) requireSpace();
    const n = found?.n ?? unused({ id, slug }, all);
    const tree: Tree = {
      ...{ id, slug, n, state: "dirty", sha, content, options },
      ...{ boot: BOOT, freedAt: null, checkedAt: now() },
    };
    ledger.putTree(tree);
    return { tree, from: found ? writtenTo(found) : null };
  }

  /** Readers may hold one that an older database, restored, knows nothing of. */
  function unused(key: Omit<Key, "options">, all: Tree[]): number {
    let n = Math.max(0, ...all.map((tree) => tree.n)) + 1;
    while (existsSync(treeDir(at({ ...key, n })))) n++;
    return n;
  }

  /** @returns whether it is gone; one that cannot be is nobody's next tree, and is tried again */
  function remove(tree: Tree): boolean {
    const isGone = obstacles.pass(treeDir(at(tree)), () => {
      toTrash(layout, treeDir(at(tree)));
      for (const file of [indexOf(at(tree)), `${indexOf(at(tree))}.lock`]) rmSync(file, { force: true });
    });
    if (isGone) ledger.dropTree(tree);
    else ledger.putTree({ ...tree, state: "spoilt" });
    return isGone;
  }

  /** Removes what nobody can hold any more and nobody will need. @returns when there is more to remove */
  function tidy(id: number, slug: string): number | null {
    const checkout = ledger.get(id, slug);
    let later: number | null = null;
    let spares = 0;
    const shown = checkout && linkTarget(checkout.link);
    const isShown = (tree: Tree) => tree.n === checkout?.n || treeDir(at(tree)) === shown;
    const others = ledger.trees(id, slug).filter((tree) => !isShown(tree));
    for (const tree of others.sort((a, b) => freeSince(b) - freeSince(a))) {
      const useless = checkout === null || tree.state !== "ready" || tree.options !== checkout.options;
      const needless = useless || tree.boot !== BOOT;
      if (!needless && graceIsOver(tree)) spares += 1;
      const keptUntil = freeSince(tree) + (needless ? 0 : SURPLUS_MS);
      if (!needless && spares <= 1 && graceIsOver(tree)) continue;
      if (keptUntil <= now() && remove(tree)) continue;
      const next = keptUntil <= now() ? now() + AGAIN_MS : keptUntil;
      later = Math.min(later ?? next, next);
    }
    const base = layout.trees(id, slug);
    if (unswept.has(base)) sweep(id, slug, shown);
    if (checkout === null && ledger.trees(id, slug).length === 0)
      obstacles.pass(base, () => toTrash(layout, base));
    return later;
  }

  /** What a killed process left, once for each checkout: what the link says was published is. */
  function heal(id: number, slug: string, link: string): void {
    const base = layout.trees(id, slug);
    if (healed.has(base)) return;
    const target = linkTarget(link);
    const checkout = ledger.get(id, slug);
    for (const tree of ledger.trees(id, slug)) {
      const isLinked = target === treeDir(at(tree));
      const isWhole = existsSync(treeDir(at(tree))) && existsSync(indexOf(at(tree)));
      if (isLinked && existsSync(treeDir(at(tree)))) {
        // Only a tree that was verified is ever linked to. Readers keep it until there is another one.
        const state = isWhole ? "ready" : "spoilt";
        if (checkout?.n !== tree.n) adopt({ ...tree, state }, checkout);
        else if (!isWhole) ledger.putTree({ ...tree, state });
      } else if (!isWhole || (tree.state === "dirty" && !isLinked)) remove(tree);
    }
    sweep(id, slug, target);
    healed.add(base);
  }

  /** The link was moved, and that was not written down. */
  function adopt(tree: Tree, checkout: Checkout | null): void {
    ledger.transaction(() => {
      ledger.putTree(tree);
      const old = checkout?.n == null ? null : ledger.tree(tree.id, tree.slug, checkout.n);
      if (old) ledger.putTree({ ...old, freedAt: now() });
      const { sha } = tree;
      const adopted = { n: tree.n, sha, wanted: sha, publishedAt: now(), refusal: null };
      if (!checkout) return;
      // A tag's object is not known: it is published once more.
      ledger.put({ ...checkout, ...adopted, tip: sha });
      const { id, ref, link: path } = checkout;
      published(id, { ref, path, before: checkout.sha ?? ZERO, after: sha ?? ZERO });
    });
  }

  /** What a link leads to stays until it leads elsewhere, whether it is known or not. */
  function sweep(id: number, slug: string, target: string | null): void {
    const base = layout.trees(id, slug);
    unswept.delete(base);
    if (ownership(base, id) !== "ours") return;
    const known = [target, ...ledger.trees(id, slug).map(({ n }) => treeDir(at({ id, slug, n })))];
    for (const name of readdirSync(base)) {
      const n = /^(\d+)(?:\.index)?$/.exec(name)?.[1];
      const isStray = n ? !known.includes(join(base, n)) : /\.(lock|anew)$/.test(name);
      const path = join(base, name);
      if (isStray && !obstacles.pass(path, () => toTrash(layout, path))) unswept.add(base);
    }
  }

  /** @throws RefreshError `foreign` when something else is where the trees belong */
  function claim(id: number, slug: string): void {
    const base = layout.trees(id, slug);
    mkdirSync(base, { recursive: true, mode: 0o750 });
    if (ownership(base, id) === "ours") return;
    if (readdirSync(base).length > 0)
      throw new RefreshError("foreign", `${base} has no mark of Lockstep's trees`);
    writeMarker(base, id);
  }

  return {
    ...{ take, claim, tidy, graceIsOver },
    ...{ heal, remove },
    /** What the ledger says of it has to be compared with its link. */
    doubt: (id: number, slug: string): void => void healed.delete(layout.trees(id, slug)),
    trust: (id: number, slug: string): void => void healed.add(layout.trees(id, slug)),
    place(tree: Tree) {
      const { base, n } = at(tree);
      const options = readOptions(tree.options);
      const store = isMore(options) ? storeDir(base) : null;
      return { base, n, mirror: layout.mirror(tree.id), store, paths: options.paths };
    },
    unlink,
    /** Takes a tree's public name away; readers that hold it keep it for the grace. */
    withdraw(checkout: Checkout): void {
      const { id, slug, n } = checkout;
      unlink(checkout);
      const tree = n === null ? null : ledger.tree(id, slug, n);
      if (tree) ledger.putTree({ ...tree, freedAt: now() });
    },
  };

  function unlink({ id, slug, n, link }: Checkout): void {
    if (n !== null) dropLink(link, treeDir({ base: layout.trees(id, slug), n }));
  }
}

export type Pool = ReturnType<typeof createPool>;
