import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Scan } from "../../git/tree/lfs-pointers.js";
import { writeDurably } from "../../machine/durable.js";

/** The files of LFS in a content store. The inventory lies in the store, so both are deleted together. */
export interface Inventory {
  /** A scan made by another version is repeated. */
  version?: number;
  /** Maps a SHA-256 to the git object with the same content. */
  objects: Record<string, { sha: string; size: number }>;
  scans: Record<string, Scan>;
  /** The bytes that were unneeded at the last tidy but still used by a tree. */
  left: number;
}

const VERSION = 3;

/** @param dir the directory of the content store */
export function readInventory(dir: string): Inventory {
  try {
    const found = JSON.parse(readFileSync(join(dir, "lfs.json"), "utf8")) as Inventory;
    return found.version === VERSION ? found : { ...found, version: VERSION, scans: {} };
  } catch {
    return { version: VERSION, objects: {}, scans: {}, left: 0 };
  }
}

export const writeInventory = (dir: string, inventory: Inventory): Promise<void> =>
  writeDurably(join(dir, "lfs.json"), JSON.stringify(inventory));

/** Returns the bytes of these objects, and the bytes of all others. */
export function weigh({ objects }: Inventory, oids: string[]): { needed: number; stray: number } {
  const wanted = new Set(oids);
  const needed = sumOfSizes(Object.entries(objects).flatMap(([oid, one]) => (wanted.has(oid) ? [one] : [])));
  return { needed, stray: sumOfSizes(Object.values(objects)) - needed };
}

export const sumOfSizes = (objects: { size: number }[]): number =>
  objects.reduce((total, { size }) => total + size, 0);
