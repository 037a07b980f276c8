import { readFileSync } from "node:fs";

/** The kernel's file with the boot id, which changes with each start of the machine: random(4). */
export const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";

/** @returns empty: this system has no boot id, so no start of the machine can be noticed */
export function readBootId(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}

/**
 * Whether the machine was started since `stored` was written, so that what was written then may be lost.
 * @param stored null: nothing is known of the time before, as with a database of an earlier Lockstep
 */
export const isNewBoot = (stored: string | null, current: string): boolean =>
  current !== "" && stored !== current;
