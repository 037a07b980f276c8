import { expect, test } from "vitest";
import { createKeptTips, KEPT_TIP_TABLES } from "../../src/registry/kept-tips.js";
import { openRegistry } from "../support/registry.js";

const tip = (name: string, at: number) => ({ name, ref: "refs/heads/main", sha: "1".repeat(40), at });

test("kept tips are remembered by repository, oldest first", () => {
  const { store } = openRegistry(KEPT_TIP_TABLES);
  const tips = createKeptTips(store);
  tips.add(7, [tip("b", 2), tip("a", 1)]);
  tips.add(7, [tip("a", 1)]);
  tips.add(8, [tip("a", 3)]);
  expect(tips.of(7)).toEqual([tip("a", 1), tip("b", 2)]);
  tips.drop(7, [tip("a", 1)]);
  expect(tips.of(7)).toEqual([tip("b", 2)]);
  tips.replace(7, [{ ...tip("c", 4), ref: null }]);
  expect(tips.of(7)).toEqual([{ ...tip("c", 4), ref: null }]);
  expect(tips.of(8)).toEqual([tip("a", 3)]);
});
