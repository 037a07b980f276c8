import { mkdirSync, statfsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { createMeter, type Free, readFree } from "../../src/machine/file-systems.js";
import { tempDir } from "../support/temp.js";

test("a path that does not exist yet is on the file system of what is above it, and a link on that of its target", async () => {
  const dir = tempDir();
  const here = await readFree(dir);
  expect(here.bytes).toBeGreaterThan(0);
  expect((await readFree(join(dir, "not", "there"))).device).toBe(here.device);
  mkdirSync(join(dir, "elsewhere"));
  symlinkSync("/proc", join(dir, "link"));
  expect((await readFree(join(dir, "link"))).device).not.toBe(here.device);
});

test("a file system without a number of inodes says so", async () => {
  // The kernel's own file system reports none, as btrfs does.
  expect(statfsSync("/proc").files).toBe(0);
  expect((await readFree("/proc")).files).toBeNull();
});

test("a file system that hangs is asked once, keeps its last answer, and holds up no other", async () => {
  vi.useFakeTimers();
  try {
    const asked: string[] = [];
    const free: Free = { device: 1, bytes: 7, totalBytes: 9, files: null };
    let answer = (_: Free): void => {};
    let hangs = false;
    const meter = createMeter({ local: "/local", share: "/share" }, async (path) => {
      asked.push(path);
      return path === "/share" && hangs
        ? new Promise((resolve) => {
            answer = resolve;
          })
        : { ...free, bytes: asked.length };
    });
    await meter.measure();
    hangs = true;
    for (let n = 0; n < 2; n++) {
      const measured = meter.measure();
      await vi.advanceTimersByTimeAsync(2_000);
      await measured;
    }
    expect(asked).toEqual(["/local", "/share", "/local", "/share", "/local"]);
    expect([meter.get("local")?.bytes, meter.get("share")?.bytes]).toEqual([5, 2]);
    answer({ ...free, bytes: 99 });
    await meter.measure();
    expect(meter.get("share")?.bytes).toBe(99);
  } finally {
    vi.useRealTimers();
  }
});
