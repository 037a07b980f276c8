import { expect, test } from "vitest";
import { deleteInSlices, forEachInSlices, linesOf, mapTogether, nextTurn } from "../../src/base/slices.js";
import { countTurns, keepBusy } from "../support/event-loop.js";

test("other work runs between the slices of a long loop", async () => {
  const turns = countTurns();
  const seen: number[] = [];
  await forEachInSlices([1, 2, 3, 4, 5, 6], (n) => {
    keepBusy(6);
    seen.push(n);
  });
  expect(turns()).toBeGreaterThanOrEqual(2);
  expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
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

test("at most 5,000 answers are awaited at a time, and come in the order of the questions", async () => {
  const waiting: (() => void)[] = [];
  let most = 0;
  const answering = mapTogether(
    Array.from({ length: 12_000 }, (_, n) => n),
    (n) => new Promise<number>((resolve) => waiting.push(() => resolve(n * 2))),
  );
  let isDone = false;
  const answers = answering.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await nextTurn();
    most = Math.max(most, waiting.length);
    if (waiting.length >= 5_000 || most === 5_000) for (const answer of waiting.splice(0)) answer();
  }
  expect(most).toBe(5_000);
  expect(await answers).toEqual(Array.from({ length: 12_000 }, (_, n) => n * 2));
});

test("an answer that fails while others are asked fails the call", async () => {
  const asked = Array.from({ length: 100 }, (_, n) => n);
  const slow = () => {
    const until = performance.now() + 1;
    while (performance.now() < until);
  };
  const answering = mapTogether(asked, async (n) => {
    slow();
    if (n === 0) throw new Error("no answer");
    return n;
  });
  await expect(answering).rejects.toThrow("no answer");
});

test("a text is read line by line as split does it", () => {
  for (const text of ["", "\n", "a", "a\n", "a\n\nb", "a\nb\n"])
    expect([...linesOf(text)]).toEqual(text.split("\n"));
});
