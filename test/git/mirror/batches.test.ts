import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { inBatches } from "../../../src/git/mirror/batches.js";

function setUp(clock?: () => number) {
  const batches: number[] = [];
  const ask = inBatches(async (_: string, questions: number[]) => {
    batches.push(questions.length);
    return questions.map((n) => n * 2);
  }, clock);
  return { batches, ask };
}

test("questions of several turns without a pause are answered together, up to 5,000", async () => {
  // However busy the machine is, no time passes.
  const { batches, ask } = setUp(() => 0);
  const answers: Promise<number>[] = [];
  for (let n = 0; n < 6_000; n++) {
    answers.push(ask("a", n));
    if (n % 1_000 === 999) await nextTurn();
  }
  expect(await Promise.all(answers)).toEqual(answers.map((_, n) => n * 2));
  expect(batches).toEqual([5_000, 1_000]);
});

test("a question alone does not wait for others, and subjects stay apart", async () => {
  const { batches, ask } = setUp();
  const first = ask("a", 1);
  const other = ask("b", 2);
  await nextTurn();
  await nextTurn();
  expect(batches).toEqual([1, 1]);
  expect(await Promise.all([first, other])).toEqual([2, 4]);
});

test("questions that come with each turn are answered all the same", async () => {
  const { batches, ask } = setUp();
  const first = ask("a", 0);
  let isAnswered = false;
  void first.then(() => {
    isAnswered = true;
  });
  const others: Promise<number>[] = [];
  for (; !isAnswered && others.length < 4_000; await nextTurn()) {
    others.push(ask("a", 1));
    const until = performance.now() + 1;
    while (performance.now() < until);
  }
  expect(batches[0]).toBeLessThan(4_000);
  await Promise.all([first, ...others]);
});
