import { expect, test } from "vitest";
import { deleteInSlices, forEachInSlices, mapTogether } from "../../src/base/slices.js";

test("other work runs between the slices of a long loop", async () => {
  let [turns, done] = [0, false];
  const count = () => {
    turns++;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  const seen: number[] = [];
  await forEachInSlices([1, 2, 3, 4, 5, 6], (n) => {
    const until = performance.now() + 6;
    while (performance.now() < until);
    seen.push(n);
  });
  done = true;
  expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
  expect(turns).toBeGreaterThanOrEqual(2);
});

test("rows are deleted 200 at a time, until none is left or the signal aborts", async () => {
  let rows = 450;
  const limits: number[] = [];
  const deleteSome = (limit: number) => {
    limits.push(limit);
    const deleted = Math.min(limit, rows);
    rows -= deleted;
    return deleted;
  };
  expect(await deleteInSlices(deleteSome)).toBe(450);
  expect(limits).toEqual([200, 200, 200]);
  rows = 450;
  const stopping = new AbortController();
  const deleting = deleteInSlices((limit) => {
    stopping.abort();
    return deleteSome(limit);
  }, stopping.signal);
  await expect(deleting).rejects.toThrow(/abort/);
  expect(rows).toBe(250);
});

test("many answers are awaited together, in their order, with other work between every 5,000", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const asked: number[] = [];
  const together: number[] = [];
  const answers = await mapTogether(
    Array.from({ length: 12_000 }, (_, n) => n),
    async (n) => {
      asked.push(n);
      await Promise.resolve();
      if (together.at(-1) !== asked.length) together.push(asked.length);
      return n * 2;
    },
  );
  clearInterval(timer);
  expect(answers).toEqual(asked.map((n) => n * 2));
  expect(together).toEqual([5_000, 10_000, 12_000]);
  expect(turns).toBeGreaterThanOrEqual(1);
});
