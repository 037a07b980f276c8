import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scan } from "../git/tree/lfs-pointers.js";

/** What a content store has of LFS; a file in it, so that it goes with it. */
export interface Inventory {
  /** Scans of another version are made again. */
  version?: number;
  /** By SHA-256: the git object with the same content. */
  objects: Record<string, { sha: string; size: number }>;
  scans: Record<string, Scan>;
  /** Bytes that were needed no more, but still held by a tree, when it was last tidied. */
  left: number;
}

const VERSION = 2;

/** @param dir of the content store */
export function readInventory(dir: string): Inventory {
  try {
    const found = JSON.parse(readFileSync(join(dir, "lfs.json"), "utf8")) as Inventory;
    return found.version === VERSION ? found : { ...found, version: VERSION, scans: {} };
  } catch {
    return { version: VERSION, objects: {}, scans: {}, left: 0 };
  }
}

export function writeInventory(dir: string, inventory: Inventory): void {
  writeFileSync(join(dir, "lfs.new"), JSON.stringify(inventory));
  renameSync(join(dir, "lfs.new"), join(dir, "lfs.json"));
}

/** In bytes: what these objects take, and what all others do. */
export function weigh({ objects }: Inventory, oids: string[]): { needed: number; stray: number } {
  const wanted = new Set(oids);
  const needed = sumOfSizes(Object.entries(objects).flatMap(([oid, one]) => (wanted.has(oid) ? [one] : [])));
  return { needed, stray: sumOfSizes(Object.values(objects)) - needed };
}

export const sumOfSizes = (objects: { size: number }[]): number =>
  objects.reduce((total, { size }) => total + size, 0);
