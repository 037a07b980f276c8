import { existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Extent } from "../../base/model.js";
import { writeDurably } from "../../machine/durable.js";

/** The file marks a directory as Lockstep's; a directory without the file is never deleted or rewritten. */
export const MARKER = "lockstep.json";

/**
 * The directory of a mirror, to which the mirror's path is a link. The name is no longer than `mirror.git`, as a
 * ref's name may be as long as the path allows.
 */
export const VERSION = /^m-[0-9a-f]{8}$/;

/** The mark is inside the condemned mirror, so a mirror that replaces it is not condemned. */
const CONDEMNED = "lockstep-condemned";

export const condemn = (mirror: string): Promise<void> => writeDurably(join(mirror, CONDEMNED), "");

export const isCondemned = (mirror: string): boolean => existsSync(join(mirror, CONDEMNED));

const WHOLE: Extent = { depth: null, filter: null };

/** @param extent the extent of a mirror that is not whole */
export function writeMarker(dir: string, repositoryId: number, { depth, filter } = WHOLE): Promise<void> {
  const extent = { ...(depth === null ? {} : { depth }), ...(filter === null ? {} : { filter }) };
  const marker = { program: "lockstep", version: 1, repositoryId, ...extent };
  return writeDurably(join(dir, MARKER), `${JSON.stringify(marker)}\n`);
}

/** Returns the extent of a finished mirror. */
export function extentOf(mirror: string): Extent {
  const { depth, filter } = readMarker(mirror) ?? {};
  return {
    depth: typeof depth === "number" ? depth : null,
    filter: filter === "blob:none" ? filter : null,
  };
}

/** @returns null: no readable marker exists */
function readMarker(dir: string): Record<string, unknown> | null {
  try {
    return JSON.parse(readFileSync(join(dir, MARKER), "utf8")) as Record<string, unknown>;
  } catch {
    return null;
  }
}

export type Ownership = "absent" | "ours" | "broken" | "wrong" | "foreign";

/**
 * - absent: the directory does not exist.
 * - ours: a finished mirror of this repository, or what is left of one.
 * - broken: a directory of Lockstep's whose marker cannot be read, as a power cut may leave it; it is replaced.
 * - wrong: a directory of Lockstep's, but of another repository; it may be replaced.
 * - foreign: the directory is not Lockstep's.
 */
export function ownership(dir: string, repositoryId: number): Ownership {
  const found = lstatSync(dir, { throwIfNoEntry: false });
  if (!found) return "absent";
  const marker = readMarker(dir);
  if (marker?.program === "lockstep") return marker.repositoryId === repositoryId ? "ours" : "wrong";
  const isOwnLink = found.isSymbolicLink() && VERSION.test(readlinkSync(dir));
  return isOwnLink || (marker === null && existsSync(join(dir, MARKER))) ? "broken" : "foreign";
}
