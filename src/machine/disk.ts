import { statfsSync } from "node:fs";
import { RefreshError } from "../base/errors.js";
import { formatSize } from "../base/units.js";

export interface DiskState {
  /** How much Lockstep's user may still write, in bytes. */
  freeBytes: number;
  /** Whether that is less than MIN_FREE_DISK. */
  low: boolean;
  /** What is used up, whatever MIN_FREE_DISK is, so that nothing can be written; null: nothing is. */
  full: "space" | "files" | null;
  /** How many files can still be made; null: the file system has no fixed number. */
  freeFiles: number | null;
}

export interface Disk {
  state(): DiskState;
  /**
   * Checks the space before a clone, a rebuild, or so many bytes. @param largest what needs the most of the
   * bytes @throws RefreshError `disk_low`
   */
  requireSpace(bytes?: number, largest?: string): void;
}

/** A clone that found too little space is tried again after this time. */
const AGAIN_MS = 30_000;

/** SQLite and git need about this much for their smallest writes, in bytes. */
const FULL_BELOW = 256 * 1024;

/** @param minFree bytes; 0: no minimum */
export function createDisk(dataDir: string, minFree: number): Disk {
  function state(): DiskState {
    const { bavail, bsize, files, ffree } = statfsSync(dataDir);
    const freeBytes = bavail * bsize;
    // File systems without a fixed number of files, such as btrfs, report 0 of them.
    const hasFiles = files === 0 || ffree > 0;
    const full = freeBytes < FULL_BELOW ? "space" : hasFiles ? null : "files";
    return { freeBytes, low: freeBytes < minFree, full, freeFiles: files === 0 ? null : ffree };
  }
  return {
    state,
    requireSpace(bytes = 0, largest) {
      const { freeBytes } = state();
      if (freeBytes - bytes >= minFree) return;
      const free = formatSize(Math.floor(freeBytes / 2 ** 20) * 2 ** 20);
      const most = largest ? `, the most for ${largest}` : "";
      const wanted = bytes === 0 ? "" : `, ${Math.ceil(bytes / 2 ** 20)}MiB are to be written${most}`;
      throw new RefreshError("disk_low", `${free} free${wanted}, MIN_FREE_DISK is ${formatSize(minFree)}`, {
        retryAfterMs: AGAIN_MS,
      });
    },
  };
}
