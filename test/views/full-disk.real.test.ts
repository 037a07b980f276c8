import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { statusOf } from "../support/state.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

/** A file system of its own, of 32 MiB. @returns null: this machine does not let the tests mount one */
function smallDisk(): string | null {
  const dir = tempDir();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=32m", "lockstep-test", dir], { stdio: "pipe" });
  } catch {
    return null;
  }
  onTestFinished(() => void execFileSync("umount", ["--lazy", dir]));
  return dir;
}

/** Fills the disk to the last byte. @returns a function that frees the space again */
function fill(dir: string): () => void {
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

const freshz = async (world: World) => (await (await world.api("/freshz")).json()) as object;

test("a full disk is a problem that ends by itself, even with MIN_FREE_DISK=0", async (context) => {
  const dir = smallDisk();
  if (dir === null) return context.skip("a small file system cannot be mounted here: run the tests as root");
  const world = await World.create({ MIN_FREE_DISK: "0" }, dir);
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await expect.poll(() => freshz(world)).toMatchObject({ status: "fresh" });
  const free = fill(dir);
  await expect
    .poll(() => freshz(world))
    .toMatchObject({
      status: "stale",
      problems: expect.arrayContaining([expect.objectContaining({ code: "disk_full" })]),
    });
  const { fresh, state, disk } = await statusOf(world);
  expect([fresh, state, disk.low]).toEqual([false, "stale", true]);
  free();
  await expect
    .poll(() => freshz(world), { timeout: 10_000 })
    .toMatchObject({ status: "fresh", problems: [] });
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
});
