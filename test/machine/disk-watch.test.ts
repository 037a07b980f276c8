import { EventEmitter, once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { createDisk, type Places } from "../../src/machine/disk.js";
import { createDiskWatch } from "../../src/machine/disk-watch.js";
import { RESERVE_BYTES, type Reserve } from "../../src/machine/reserve.js";

const MIB = 2 ** 20;
const PLACES: Places = { database: "/d", mirrors: "/d", links: "/d", checkouts: "/d" };

/** A watched disk of which so much is free; returns how often there was room again, and how often it changed. */
function watched(freeMib: number, minFreeMib: number) {
  const free = { device: 1, bytes: freeMib * MIB, totalBytes: 2 ** 40, files: null };
  const heard = { rooms: 0, changes: 0, looks: 0, opens: 0 };
  const clearing = { ends: new EventEmitter(), isOver: false };
  const meter = {
    async measure() {
      heard.looks += 1;
    },
    get: () => free,
  };
  const reserve: Reserve = { bytes: () => RESERVE_BYTES, make: async () => {}, release: async () => {} };
  const disk = createDisk({ places: PLACES, meter, minFree: minFreeMib * MIB, reserved: reserve.bytes });
  const watch = createDiskWatch({
    disk,
    reserve,
    async clear() {
      if (!clearing.isOver) await once(clearing.ends, "end");
    },
    onOpen: () => {
      heard.opens += 1;
    },
    onChange: () => {
      heard.changes += 1;
    },
    onRoom: () => {
      heard.rooms += 1;
    },
    log: { info() {}, warn() {}, error() {} },
  });
  watch.start();
  onTestFinished(() => watch.stop());
  const isCleared = () => {
    clearing.isOver = true;
    clearing.ends.emit("end");
  };
  return { free, heard, disk, isCleared };
}

const looked = async ({ heard }: ReturnType<typeof watched>) => {
  const { looks } = heard;
  await expect.poll(() => heard.looks).toBeGreaterThan(looks + 1);
};

test("that nothing is cleared any more is told, since work with room had to wait for it", async () => {
  const { free, heard, disk, isCleared } = watched(100, 0);
  await expect.poll(() => heard.looks).toBeGreaterThan(0);
  free.bytes = 10_000 * MIB;
  expect([disk.hasRoom("refresh"), heard.opens]).toEqual([false, 0]);
  isCleared();
  await expect.poll(() => heard.opens).toBe(1);
  expect(disk.hasRoom("refresh")).toBe(true);
});

test("room for clones is told once there is MIN_FREE_DISK again, and only then", async () => {
  const disk = watched(500, 1_000);
  await looked(disk);
  expect(disk.heard.rooms).toBe(0);
  disk.free.bytes = 999 * MIB;
  await looked(disk);
  expect(disk.heard.rooms).toBe(0);
  disk.free.bytes = 1_000 * MIB;
  await expect.poll(() => disk.heard.rooms).toBe(1);
  await looked(disk);
  expect(disk.heard.rooms).toBe(1);
});

test("room for refreshes is told once the floor is no longer crossed", async () => {
  const disk = watched(100, 0);
  disk.isCleared();
  await expect.poll(() => disk.heard.changes).toBeGreaterThan(0);
  expect(disk.heard.rooms).toBe(0);
  disk.free.bytes = 10_000 * MIB;
  await expect.poll(() => disk.heard.rooms).toBe(1);
});
