import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fitName, NAME_BYTES } from "../git/disk/file-name.js";
import type { Layout } from "../git/disk/layout.js";
import type { Blobs } from "../git/mirror/blobs.js";
import { writeDurably } from "../machine/durable.js";

/** A note in the mirror: up to which commit a checkout's contents were fetched, and which contents. */
export interface Fetched {
  commit: string;
  paths: string[];
  /**
   * A tree without these files is written differently and git reports no error, so each publish checks for
   * them.
   */
  silent: Blobs["silent"];
}

/** `writeDurably` writes `<name>.lock` first. */
const SLUG_BYTES = NAME_BYTES - ".lock".length;

/** The note lies inside the mirror, so a mirror that replaces this one starts without the note. */
export const noteOf = (layout: Layout, id: number, slug: string): string =>
  join(layout.mirror(id), "lockstep-brought", fitName(slug || "@", SLUG_BYTES));

/** @returns null when nothing was fetched yet */
export function readNote(note: string): Fetched | null {
  try {
    return JSON.parse(readFileSync(note, "utf8")) as Fetched;
  } catch {
    return null;
  }
}

export async function writeNote(note: string, fetched: Fetched): Promise<void> {
  mkdirSync(dirname(note), { recursive: true, mode: 0o750 });
  await writeDurably(note, JSON.stringify(fetched));
}

export const dropNote = (note: string): void => rmSync(note, { force: true });
