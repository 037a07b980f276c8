import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Layout } from "../git/disk/layout.js";
import type { Blobs } from "../git/mirror/blobs.js";

/** Up to which commit a checkout's contents are in the mirror, and which of them. */
export interface Brought {
  commit: string;
  paths: string[];
  /** Without these a tree is written otherwise, and nobody is told: they are looked for each time. */
  silent: Blobs["silent"];
}

/** In the mirror that it speaks of: whatever takes that mirror's place has none of it. */
export const noteOf = (layout: Layout, id: number, slug: string): string =>
  join(layout.mirror(id), "lockstep-brought", slug || "@");

/** @returns null: nothing was brought yet */
export function readNote(note: string): Brought | null {
  try {
    return JSON.parse(readFileSync(note, "utf8")) as Brought;
  } catch {
    return null;
  }
}

export function writeNote(note: string, brought: Brought): void {
  mkdirSync(dirname(note), { recursive: true, mode: 0o750 });
  writeFileSync(`${note}.lock`, JSON.stringify(brought));
  renameSync(`${note}.lock`, note);
}

export const dropNote = (note: string): void => rmSync(note, { force: true });
