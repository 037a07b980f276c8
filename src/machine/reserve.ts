import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { open, rm, truncate } from "node:fs/promises";

/** The database can write this much after everything else was used up. */
export const RESERVE_BYTES = 64 * 2 ** 20;

const SLICE_BYTES = 2 ** 20;
/** Each of these parts gets a number of its own, so that no file system stores two of them as one. */
const PART_BYTES = 4096;

/** A file that takes up space beside the database, until the database needs that space. */
export interface Reserve {
  /** Returns how much of the reserve is on disk; RESERVE_BYTES: it is whole. */
  bytes(): number;
  /** Writes the file in slices and syncs it. @throws the system's error, after which nothing is left of the file */
  make(): Promise<void>;
  /** Gives the space back. @throws the system's error */
  release(): Promise<void>;
}

export function createReserve(file: string): Reserve {
  let bytes = sizeOf(file);
  let making: { abort: AbortController; done: Promise<void> } | null = null;

  async function write(signal: AbortSignal): Promise<void> {
    try {
      await writeSlices(file, signal, (written) => {
        bytes = written;
      });
    } catch (error) {
      await rm(file, { force: true }).catch(() => {});
      bytes = 0;
      if (!signal.aborted) throw error;
    }
  }

  return {
    bytes: () => bytes,
    async make() {
      if (bytes === RESERVE_BYTES) return;
      if (!making) {
        const abort = new AbortController();
        const done = write(abort.signal).finally(() => {
          making = null;
        });
        making = { abort, done };
      }
      await making.done;
    },
    async release() {
      making?.abort.abort();
      await making?.done.catch(() => {});
      // A file system that copies on write may refuse to remove a file when it is full, and still cut it.
      await truncate(file, 0).catch(() => {});
      bytes = 0;
      await rm(file, { force: true });
    },
  };
}

/** A file of another size was cut short by a crash, or is not from this version. */
function sizeOf(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return size === RESERVE_BYTES ? size : Math.min(size, RESERVE_BYTES - 1);
}

/** The bytes are random: a hole takes no space, and a file system may compress what repeats itself. */
async function writeSlices(
  path: string,
  signal: AbortSignal,
  onWritten: (bytes: number) => void,
): Promise<void> {
  const slice = randomBytes(SLICE_BYTES);
  const file = await open(path, "w", 0o600);
  try {
    onWritten(0);
    for (let at = 0; at < RESERVE_BYTES; at += SLICE_BYTES) {
      for (let part = 0; part < SLICE_BYTES; part += PART_BYTES) slice.writeUInt32LE(at + part, part);
      signal.throwIfAborted();
      await file.writeFile(slice);
      // Only the synced file is whole.
      onWritten(Math.min(at + SLICE_BYTES, RESERVE_BYTES - 1));
    }
    await file.sync();
  } finally {
    await file.close();
  }
  onWritten(RESERVE_BYTES);
}
