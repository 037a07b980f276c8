import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { createIdSet } from "../../../src/serve/wants/id-set.js";

const idOf = (n: number) => createHash("sha1").update(String(n)).digest("hex");

test("a set has what was added, nothing else, and each once, while it grows", () => {
  const set = createIdSet();
  for (let n = 0; n < 20_000; n++) set.add(idOf(n));
  for (let n = 0; n < 20_000; n += 7) set.add(idOf(n));
  expect(set.size).toBe(20_000);
  for (let n = 0; n < 20_000; n += 3) expect(set.has(idOf(n))).toBe(true);
  for (let n = 20_000; n < 25_000; n++) expect(set.has(idOf(n))).toBe(false);
  expect(set.bytes).toBeLessThan(20_000 * 100);
});

test("ids that differ in their last digits alone are told apart", () => {
  const set = createIdSet();
  const alike = Array.from({ length: 2_000 }, (_, n) => "ab".repeat(16) + n.toString(16).padStart(8, "0"));
  for (const id of alike) set.add(id);
  expect(alike.every((id) => set.has(id))).toBe(true);
  expect(set.has(`${"ab".repeat(16)}ffffffff`)).toBe(false);
});
