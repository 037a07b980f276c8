import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BOOT_ID_FILE, isNewBoot, readBootId } from "../../src/machine/boot.js";
import { tempDir } from "../support/temp.js";

test.each([
  ["the same boot", "a", "a", false],
  ["another boot", "a", "b", true],
  ["a database without a boot id", null, "b", true],
  ["a system without boot ids", "a", "", false],
])("the machine was started since: %s", (_, stored, current, isNew) => {
  expect(isNewBoot(stored, current)).toBe(isNew);
});

test("the boot id is read without the end of its line, and is empty where there is none", () => {
  const file = join(tempDir(), "boot_id");
  expect(readBootId(file)).toBe("");
  writeFileSync(file, "0e9b\n");
  expect(readBootId(file)).toBe("0e9b");
  expect(readBootId(BOOT_ID_FILE)).toMatch(/^[0-9a-f-]{36}$/);
});
