import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
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
