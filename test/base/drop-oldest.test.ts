import { expect, test } from "vitest";
import { dropOldest } from "../../src/base/drop-oldest.js";

test("the entries set first go, of a map and of a set, until as many are left", () => {
  const map = new Map([1, 2, 3, 4].map((n) => [n, `${n}`]));
  map.delete(1);
  map.set(1, "again");
  dropOldest(map, 4);
  expect([...map.keys()]).toEqual([2, 3, 4, 1]);
  dropOldest(map, 2);
  expect([...map.keys()]).toEqual([4, 1]);
  const set = new Set("abc");
  dropOldest(set, 0);
  expect(set.size).toBe(0);
});
