import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";

/** A file that holds what does not fit into memory. It has no name, so that nothing is left after a crash. */
export interface Spill {
  /** Bytes that can be read. */
  readonly size: number;
  /** @returns false: there is no room for these bytes, and no more may be appended */
  append(bytes: Buffer): Promise<boolean>;
  /** @returns at least one byte of those from `at` on, which is below `size` */
  read(at: number): Promise<Buffer>;
  /** Frees the file, once nothing reads it. */
  close(): Promise<void>;
}

export interface SpillSpace {
  /** @returns null: no file can be made, or none may be */
  open(): Promise<Spill | null>;
}

export interface SpillOptions {
  /** Where files are made; what an earlier process has left there is deleted. */
  dir: string;
  /** What all files may hold together, in bytes; 0: no file is made. */
  maxBytes: number;
  /** Whether the disk has more free space than the minimum. */
  hasRoom(): boolean;
}

const MAX_READ = 256 * 1024;

export function createSpillSpace({ dir, maxBytes, hasRoom }: SpillOptions): SpillSpace {
  rmSync(dir, { recursive: true, force: true });
  const used = { bytes: 0 };
  const mayGrow = (by: number) => used.bytes + by <= maxBytes && hasRoom();
  return {
    async open() {
      if (!mayGrow(1)) return null;
      const file = await makeNameless(dir).catch(() => null);
      return file && createSpill(file, { used, mayGrow });
    },
  };
}

async function makeNameless(dir: string): Promise<FileHandle> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, randomBytes(8).toString("hex"));
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}

interface Space {
  used: { bytes: number };
  mayGrow(by: number): boolean;
}

function createSpill(file: FileHandle, { used, mayGrow }: Space): Spill {
  let size = 0;
  return {
    get size() {
      return size;
    },
    async append(bytes) {
      if (!mayGrow(bytes.length)) return false;
      used.bytes += bytes.length;
      try {
        for (let done = 0; done < bytes.length; )
          done += (await file.write(bytes, done, bytes.length - done, size + done)).bytesWritten;
      } catch {
        used.bytes -= bytes.length;
        return false; // The disk is full, or gone.
      }
      size += bytes.length;
      return true;
    },
    async read(at) {
      const length = Math.min(MAX_READ, size - at);
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(length), 0, length, at);
      if (bytesRead === 0) throw new Error("a file of a shared answer was cut off");
      return buffer.subarray(0, bytesRead);
    },
    async close() {
      used.bytes -= size;
      size = 0;
      await file.close();
    },
  };
}
