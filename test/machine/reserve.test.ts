import { existsSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { createReserve, RESERVE_BYTES } from "../../src/machine/reserve.js";
import { tempDir } from "../support/temp.js";

test("the reserve is 64 MiB of data that no file system can shrink, and is still there after a restart", async () => {
  const file = join(tempDir(), "reserve");
  const reserve = createReserve(file);
  expect(reserve.bytes()).toBe(0);
  await Promise.all([reserve.make(), reserve.make()]);
  expect(reserve.bytes()).toBe(64 * 2 ** 20);
  const { size, blocks, mode } = statSync(file);
  expect([size, blocks * 512 >= size, mode & 0o777]).toEqual([RESERVE_BYTES, true, 0o600]);
  const bytes = readFileSync(file);
  const part = bytes.subarray(0, 2 ** 18);
  expect(gzipSync(part, { level: 1 }).length).toBeGreaterThan(part.length);
  const numbers = Array.from({ length: RESERVE_BYTES / 4096 }, (_, n) => bytes.readUInt32LE(n * 4096));
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(createReserve(file).bytes()).toBe(RESERVE_BYTES);
  await reserve.release();
  expect([reserve.bytes(), existsSync(file)]).toEqual([0, false]);
});

test("a reserve that is given back while it is made leaves nothing, and one cut short is made again", async () => {
  const file = join(tempDir(), "reserve");
  const reserve = createReserve(file);
  const made = reserve.make();
  await reserve.release();
  await made;
  expect([reserve.bytes(), existsSync(file)]).toEqual([0, false]);
  await reserve.make();
  truncateSync(file, 2 ** 20);
  const again = createReserve(file);
  expect(again.bytes()).toBe(2 ** 20);
  await again.make();
  expect(again.bytes()).toBe(RESERVE_BYTES);
});

test("a reserve that cannot be written says so and leaves nothing", async () => {
  const reserve = createReserve(join(tempDir(), "no", "reserve"));
  await expect(reserve.make()).rejects.toMatchObject({ code: "ENOENT" });
  expect(reserve.bytes()).toBe(0);
});
