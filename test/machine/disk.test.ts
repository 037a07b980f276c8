import { expect, test } from "vitest";
import { createDisk, FLOOR, type Places } from "../../src/machine/disk.js";
import type { Free } from "../../src/machine/file-systems.js";
import { RESERVE_BYTES } from "../../src/machine/reserve.js";

const MIB = 2 ** 20;
const PLACES: Places = {
  database: "/d",
  mirrors: "/d/repos",
  links: "/d/mirrors",
  checkouts: "/d/checkouts",
};
const ROOM: Free = { device: 1, bytes: 2 ** 40, totalBytes: 2 ** 41, files: 2 ** 20 };

/** A machine on whose file systems this is free; each place is on the first one unless told. */
function diskWith(
  free: Partial<Record<keyof Places, Partial<Free>>>,
  { minFree = 0, reserved = RESERVE_BYTES } = {},
) {
  const meter = { measure: async () => {}, get: (place: keyof Places) => ({ ...ROOM, ...free[place] }) };
  return createDisk({ places: PLACES, meter, minFree, reserved: () => reserved });
}
const everywhere = (free: Partial<Free>) => ({ database: free, mirrors: free, links: free, checkouts: free });
const isHeld = (disk: ReturnType<typeof diskWith>) => [!disk.hasRoom("refresh"), !disk.hasRoom("publish")];

test("below 256 MiB or 10,000 inodes nothing is fetched or published, even with MIN_FREE_DISK=0", () => {
  expect(FLOOR).toEqual({ bytes: 256 * MIB, files: 10_000 });
  expect(isHeld(diskWith(everywhere({ bytes: 256 * MIB, files: 10_000 })))).toEqual([false, false]);
  expect(isHeld(diskWith(everywhere({ bytes: 256 * MIB - 1 })))).toEqual([true, true]);
  expect(isHeld(diskWith(everywhere({ files: 9_999 })))).toEqual([true, true]);
  const full = diskWith(everywhere({ bytes: 0 }));
  expect(() => full.requireRoom("refresh")).toThrow(expect.objectContaining({ code: "disk_full" }));
  expect(() => full.requireSpace()).toThrow(expect.objectContaining({ code: "disk_full" }));
});

test("a file system without a fixed number of inodes has no floor of inodes", () => {
  expect(isHeld(diskWith(everywhere({ files: null })))).toEqual([false, false]);
});

test("each work needs room only on the file systems that it writes to", () => {
  const small = { device: 2, bytes: MIB };
  expect(isHeld(diskWith({ checkouts: small }))).toEqual([false, true]);
  expect(isHeld(diskWith({ links: small }))).toEqual([true, false]);
  expect(isHeld(diskWith({ mirrors: small }))).toEqual([true, true]);
  expect(isHeld(diskWith({ database: small }))).toEqual([true, true]);
  expect(diskWith({ checkouts: small }).state()).toMatchObject({
    low: false,
    full: { path: "/d/checkouts", lacks: "space", stops: ["publish"] },
  });
});

test("while the reserve is not there, its space is no room, but only where the database is", () => {
  const half = { reserved: RESERVE_BYTES / 2 };
  expect(isHeld(diskWith(everywhere({ bytes: 287 * MIB }), half))).toEqual([true, true]);
  expect(isHeld(diskWith(everywhere({ bytes: 288 * MIB }), half))).toEqual([false, false]);
  const elsewhere = { device: 2, bytes: 256 * MIB };
  expect(isHeld(diskWith({ mirrors: elsewhere, links: elsewhere, checkouts: elsewhere }, half))).toEqual([
    false,
    false,
  ]);
});

test("what is written must leave the floor, or MIN_FREE_DISK if that is more", () => {
  const disk = diskWith(everywhere({ bytes: 300 * MIB }));
  expect(() => disk.requireSpace(44 * MIB)).not.toThrow();
  expect(() => disk.requireSpace(45 * MIB, "a.bin")).toThrow(
    "300MiB free, 45MiB are to be written, the most for a.bin, 256MiB always stay free",
  );
  expect(() => diskWith(everywhere({ bytes: 300 * MIB }), { minFree: 2 ** 30 }).requireSpace()).toThrow(
    "300MiB free, MIN_FREE_DISK is 1GiB",
  );
});

test("nothing begins while a full disk is cleared", async () => {
  const disk = diskWith({});
  await disk.closedWhile(async () => {
    expect(isHeld(disk)).toEqual([true, true]);
    expect(() => disk.requireRoom("publish")).toThrow(expect.objectContaining({ code: "disk_full" }));
  });
  expect(isHeld(disk)).toEqual([false, false]);
});
