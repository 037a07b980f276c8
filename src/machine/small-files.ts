import { closeSync, fstatSync, fsync, openSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { inSyncTurn, isUnsupported } from "./durable.js";

/**
 * Small files below DATA_DIR. What enters or leaves the page cache is done at once, as SQLite does it on the same disk:
 * each call in another thread costs 0.1 ms of processor time, and a push makes sixty. Whatever waits for the disk, waits in
 * another thread.
 */

const syncOf = promisify(fsync);

/** A new file whose bytes are not on the disk yet. */
export interface Staged {
  /** Syncs and closes it. Must be called once. */
  sync(): Promise<void>;
}

/** Makes a new file. @throws Error with code EEXIST or ENOENT, and then there is no file of ours */
export function stageFile(path: string, bytes: Buffer | string, { mode }: { mode: number }): Staged {
  const file = openSync(path, "wx", mode);
  try {
    writeFileSync(file, bytes);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return {
    async sync() {
      try {
        await inSyncTurn(() => syncOf(file));
      } finally {
        closeSync(file);
      }
    },
  };
}

/** Makes a directory's names survive a power cut. @throws Error with code ENOENT */
export async function syncDirectory(path: string): Promise<void> {
  const directory = openSync(path, "r");
  try {
    await inSyncTurn(() => syncOf(directory));
  } catch (error) {
    if (!isUnsupported(error)) throw error;
  } finally {
    closeSync(directory);
  }
}

/**
 * Reads a file that is expected to be small.
 * @returns null: it has more than `maxBytes`
 * @throws Error with code ENOENT
 */
export function readSmallFile(path: string, { maxBytes }: { maxBytes: number }): Buffer | null {
  const file = openSync(path, "r");
  try {
    return fstatSync(file).size > maxBytes ? null : readFileSync(file);
  } finally {
    closeSync(file);
  }
}
