import { statfsSync } from "node:fs";
import { RefreshError } from "./errors.js";
import { formatSize } from "./units.js";

export interface Disk {
  /** Bytes that Lockstep's user may still write, and whether that is less than MIN_FREE_DISK. */
  state(): { freeBytes: number; low: boolean };
  /** Before a clone or a rebuild. @throws RefreshError `disk_low` */
  requireSpace(): void;
}

/** How soon a clone that found too little space is tried again. */
const AGAIN_MS = 30_000;

/** @param minFree bytes; 0: no bound */
export function createDisk(dataDir: string, minFree: number): Disk {
  function state() {
    const { bavail, bsize } = statfsSync(dataDir);
    const freeBytes = bavail * bsize;
    return { freeBytes, low: freeBytes < minFree };
  }
  return {
    state,
    requireSpace() {
      const { freeBytes, low } = state();
      if (!low) return;
      const free = formatSize(Math.floor(freeBytes / 2 ** 20) * 2 ** 20);
      throw new RefreshError("disk_low", `${free} free, MIN_FREE_DISK is ${formatSize(minFree)}`, {
        retryAfterMs: AGAIN_MS,
      });
    },
  };
}
