import { expect, test } from "vitest";
import { createSpread, createTurns } from "../../src/base/spread.js";

test("a crowd that is called gets its turns a few at a time, in order, and others theirs in between", async () => {
  const spread = createSpread(10);
  const called: number[] = [];
  const seen: number[] = [];
  let isOver = false;
  const look = () => {
    seen.push(called.length);
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await new Promise<void>((resolve) => {
    for (let n = 0; n < 1_000; n++)
      spread(() => {
        called.push(n);
        if (n === 999) resolve();
      });
    expect(called).toEqual([]);
  });
  isOver = true;
  expect(called).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
  expect(seen.length).toBeGreaterThan(90);
  for (const [index, count] of seen.entries()) expect(count - (seen[index - 1] ?? 0)).toBeLessThanOrEqual(10);
  // One that is called later is called, too.
  await new Promise<void>((resolve) => spread(resolve));
});

test("callers go on a few in each turn, in order, and at once while there are few", async () => {
  const turn = createTurns(4);
  const order: number[] = [];
  const inTurn: number[] = [];
  const call = async (n: number) => {
    await turn();
    order.push(n);
  };
  const all = Promise.all(Array.from({ length: 40 }, (_, n) => call(n)));
  let isOver = false;
  const look = () => {
    inTurn.push(order.length);
    if (!isOver) setImmediate(look);
  };
  look();
  await all;
  isOver = true;
  expect(order).toEqual(Array.from({ length: 40 }, (_, n) => n));
  for (const [index, count] of inTurn.entries())
    expect(count - (inTurn[index - 1] ?? 0)).toBeLessThanOrEqual(8);
  expect(inTurn.length).toBeGreaterThan(5);
  await new Promise((resolve) => setImmediate(resolve));
  expect(turn()).toBe(undefined);
});
