import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createGathering } from "../../src/lifecycle/gathering.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** A gathering whose answers are the ids, and which notes who was asked about together. */
function gathering() {
  const rounds: number[][] = [];
  const state = { isMoreExpected: true };
  const { ask, recheck } = createGathering<number>({
    async ask(ids) {
      rounds.push([...ids]);
      return new Map(ids.map((id) => [id, { status: "fulfilled", value: id }]));
    },
    isMoreExpected: () => state.isMoreExpected,
    clock: () => performance.now(),
  });
  return {
    rounds,
    state,
    recheck,
    ask: (id: number, signal = new AbortController().signal) => ask(id, signal),
  };
}

test("a question that comes alone is asked at once", async () => {
  const { ask, rounds, state } = gathering();
  state.isMoreExpected = false;
  expect(await ask(1)).toBe(1);
  expect(await ask(2)).toBe(2);
  expect(rounds).toEqual([[1], [2]]);
});

test("rounds are gathered for as long as questions have come, and 15 s at most", async () => {
  const { ask, rounds } = gathering();
  const answers = [];
  for (let id = 0; id < 600; id++) {
    answers.push(ask(id));
    await vi.advanceTimersByTimeAsync(200);
  }
  await vi.advanceTimersByTimeAsync(15_000);
  expect(await Promise.all(answers)).toHaveLength(600);
  expect(rounds[0]).toEqual([0]);
  expect(rounds.length).toBeLessThan(20);
  expect(Math.max(...rounds.map(({ length }) => length))).toBeLessThanOrEqual(76);
});

test("100 questions are asked about without a wait", async () => {
  const { ask, rounds } = gathering();
  await Promise.all([ask(0), vi.advanceTimersByTimeAsync(0)]);
  await vi.advanceTimersByTimeAsync(4_000);
  const answers = Array.from({ length: 100 }, (_, n) => ask(n + 1));
  await Promise.all(answers);
  expect(rounds.map(({ length }) => length)).toEqual([1, 100]);
});

test("once nobody else is expected, what was gathered is asked about", async () => {
  const { ask, rounds, state, recheck } = gathering();
  await Promise.all([ask(1), vi.advanceTimersByTimeAsync(0)]);
  await vi.advanceTimersByTimeAsync(4_000);
  const answer = ask(2);
  recheck();
  expect(rounds).toEqual([[1]]);
  state.isMoreExpected = false;
  recheck();
  expect(await answer).toBe(2);
});

test("a question that comes after a pause is asked at once", async () => {
  const { ask, rounds } = gathering();
  await Promise.all([ask(1), vi.advanceTimersByTimeAsync(0)]);
  await vi.advanceTimersByTimeAsync(60_000);
  await Promise.all([ask(2), vi.advanceTimersByTimeAsync(0)]);
  expect(rounds).toEqual([[1], [2]]);
});

test("who gives up is not asked about", async () => {
  const { ask, rounds } = gathering();
  await Promise.all([ask(1), vi.advanceTimersByTimeAsync(0)]);
  await vi.advanceTimersByTimeAsync(4_000);
  const gone = new AbortController();
  const given = ask(2, gone.signal);
  const kept = ask(3);
  gone.abort(new Error("stopping"));
  await expect(given).rejects.toThrow("stopping");
  await Promise.all([kept, vi.advanceTimersByTimeAsync(15_000)]);
  expect(rounds).toEqual([[1], [3]]);
});
