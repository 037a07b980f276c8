import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { tempDir } from "./temp.js";

/** @returns a file system of its own, of 32 MiB unless told; null: this machine does not let the tests mount one */
export function smallDisk(size = "32m"): string | null {
  const dir = tempDir();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "lockstep-test", dir], { stdio: "pipe" });
  } catch {
    return null;
  }
  onTestFinished(() => void execFileSync("umount", ["--lazy", dir]));
  return dir;
}

/**
 * Mounts an ext4 from a sparse file, which has room above the floor and is still filled at once.
 * @param options of mkfs.ext4, such as -N for the number of files @returns null: this machine does not let the tests mount one
 */
export const loopDisk = (size: number, ...options: string[]): string | null =>
  mountLoop(join(tempDir(), "mounted"), size, ...options);

/** Does the same at a path, which is made. */
export function mountLoop(dir: string, size: number, ...options: string[]): string | null {
  const image = join(tempDir(), "image");
  writeFileSync(image, "");
  truncateSync(image, size);
  mkdirSync(dir, { recursive: true });
  try {
    execFileSync("mkfs.ext4", ["-q", "-F", "-m", "0", ...options, image], { stdio: "pipe" });
    execFileSync("mount", ["-o", "loop", image, dir], { stdio: "pipe" });
  } catch {
    return null;
  }
  onTestFinished(() => void execFileSync("umount", ["--lazy", dir]));
  return dir;
}

/** Takes all but so many bytes at once, without writing them. @returns a function that frees the space again */
export function take(dir: string, left = 0): () => void {
  const path = join(dir, `taken-${left}`);
  writeFileSync(path, "");
  const free = () => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  };
  // The file system needs some blocks for its own books.
  for (let part = free() - left; part >= 4096; part = Math.min(Math.floor(part / 2), free() - left)) {
    try {
      execFileSync("fallocate", ["--offset", String(sizeOf(path)), "--length", String(part), path], {
        stdio: "pipe",
      });
    } catch {
      // A smaller part may fit.
    }
  }
  return () => rmSync(path);
}

const sizeOf = (path: string): number => statSync(path).size;

/** Fills the disk to the last byte. @returns a function that frees the space again */
export function fill(dir: string): () => void {
  const path = join(dir, "filler");
  const file = openSync(path, "w");
  for (let size = 2 ** 20; size >= 1; size = size > 1 ? size / 2 : 0) {
    try {
      for (;;) if (writeSync(file, Buffer.alloc(size)) < size) break;
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
    }
  }
  closeSync(file);
  return () => rmSync(path);
}
