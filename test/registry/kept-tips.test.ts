import { expect, test } from "vitest";
import { createKeptTips, KEPT_TIP_TABLES } from "../../src/registry/kept-tips.js";
import { openRegistry } from "../support/registry.js";

const tip = (name: string, at: number) => ({ name, ref: "refs/heads/main", sha: "1".repeat(40), at });

test("kept tips are remembered by repository, oldest first", async () => {
  const { store } = openRegistry(KEPT_TIP_TABLES);
  const tips = createKeptTips(store);
  await tips.add(7, [tip("b", 2), tip("a", 1)]);
  await tips.add(7, [tip("a", 1)]);
  await tips.add(8, [tip("a", 3)]);
  expect(await tips.of(7)).toEqual([tip("a", 1), tip("b", 2)]);
  await tips.drop(7, [tip("a", 1)]);
  expect(await tips.of(7)).toEqual([tip("b", 2)]);
  await tips.replace(7, [{ ...tip("c", 4), ref: null }]);
  expect(await tips.of(7)).toEqual([{ ...tip("c", 4), ref: null }]);
  expect(await tips.of(8)).toEqual([tip("a", 3)]);
});

test("kept tips come by pages, newest first, and a tip that was added meanwhile shifts nothing", async () => {
  const { store } = openRegistry(KEPT_TIP_TABLES);
  const tips = createKeptTips(store);
  await tips.add(7, [tip("a", 1), tip("b", 2), tip("c", 2)]);
  const first = tips.page(7, { limit: 2, after: null });
  expect(first).toEqual({ tips: [tip("c", 2), tip("b", 2)], next: [2, "b"], total: 3 });
  await tips.add(7, [tip("d", 3)]);
  await tips.add(8, [tip("a", 1)]);
  expect(tips.page(7, { limit: 2, after: first.next })).toEqual({
    tips: [tip("a", 1)],
    next: null,
    total: 4,
  });
  expect(tips.find(7, "b")).toEqual(tip("b", 2));
  expect(tips.find(8, "b")).toBeNull();
  tips.dropBefore(7, 2);
  expect([tips.count(7), tips.count(8)]).toEqual([3, 1]);
});

test("many kept tips are read whole, though some thousand at a time", async () => {
  const { store } = openRegistry(KEPT_TIP_TABLES);
  const tips = createKeptTips(store);
  // Many are of one time, so that a page ends between two of them.
  const all = Array.from({ length: 2_500 }, (_, n) =>
    tip(`tip-${String(n).padStart(4, "0")}`, n < 1_500 ? 1 : 2),
  );
  await tips.add(7, all);
  expect(await tips.of(7)).toEqual(all);
});
