import { statfsSync } from "node:fs";
import { RefreshError } from "../base/errors.js";
import { formatSize } from "../base/units.js";

export interface Disk {
  /** Returns the bytes that Lockstep's user may still write, and whether that is less than MIN_FREE_DISK. */
  state(): { freeBytes: number; low: boolean };
  /**
   * Checks the space before a clone, a rebuild, or so many bytes. @param largest what needs the most of the
   * bytes @throws RefreshError `disk_low`
   */
  requireSpace(bytes?: number, largest?: string): void;
}

/** A clone that found too little space is tried again after this time. */
const AGAIN_MS = 30_000;

/** @param minFree bytes; 0: no minimum */
export function createDisk(dataDir: string, minFree: number): Disk {
  function state() {
    const { bavail, bsize } = statfsSync(dataDir);
    const freeBytes = bavail * bsize;
    return { freeBytes, low: freeBytes < minFree };
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
