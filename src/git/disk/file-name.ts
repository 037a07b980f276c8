import { createHash } from "node:crypto";

/** The longest name of a file, in bytes: NAME_MAX of Linux's file systems. */
export const NAME_BYTES = 255;
const HASH_DIGITS = 16;

/**
 * Shortens a name to the room that a file name has for the name. A shortened name ends in `@` and a hash of the
 * whole name.
 * @param name percent-encoded after its first character, so that no other name ends like a shortened one
 * @param room bytes, 32 or more
 */
export function fitName(name: string, room: number): string {
  if (name.length <= room) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, HASH_DIGITS);
  // A name that ends in half an escape could not be decoded.
  const start = name.slice(0, room - HASH_DIGITS - 1).replace(/%[\dA-F]?$/, "");
  return `${start}@${hash}`;
}
