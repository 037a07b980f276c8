import { expect, test } from "vitest";
import { createGitHubAnswers } from "../../../src/serve/wants/github.js";

const ids = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => String(from + n).padStart(40, "0"));

function answers(perMinute = 1_000) {
  const time = { now: 0 };
  const asked: string[] = [];
  const github = createGitHubAnswers(
    async (_, id) => {
      asked.push(id);
      return id.endsWith("1");
    },
    { clock: () => time.now, perMinute },
  );
  return { time, asked, github };
}

test("a yes is kept for five minutes, and a no for fifteen seconds", async () => {
  const { github, asked, time } = answers();
  const [no = "", yes = ""] = ids(0, 2);
  expect(await github.ask(7, [no, yes], "r")).toEqual(new Set([yes]));
  expect([github.isProven(7, yes), github.isProven(7, no), github.isProven(8, yes)]).toEqual([
    true,
    false,
    false,
  ]);
  time.now = 14_999;
  await github.ask(7, [no, yes], "r");
  expect(asked).toHaveLength(2);
  time.now = 15_000;
  await github.ask(7, [no, yes], "r");
  expect(asked).toHaveLength(3);
  time.now = 300_000;
  expect(github.isProven(7, yes)).toBe(false);
});

test("one reader's guesses use up that reader's questions, and nobody else's", async () => {
  const { github, time } = answers(10);
  await github.ask(7, ids(0, 10), "guesser");
  await github.ask(7, ids(0, 10), "guesser");
  await expect(github.ask(7, ids(20, 1), "guesser")).rejects.toMatchObject({ status: 503, retryAfter: 30 });
  await github.ask(7, ids(20, 1), "another");
  await github.ask(7, ids(20, 1), "guesser");
  time.now = 60_000;
  await github.ask(7, ids(30, 10), "guesser");
});

test("a failure is no answer, and the next reader asks again", async () => {
  let tries = 0;
  const github = createGitHubAnswers(async () => {
    if (++tries === 1) throw new Error("GitHub is down");
    return true;
  });
  const [id = ""] = ids(1, 1);
  await expect(github.ask(7, [id], "r")).rejects.toThrow("down");
  expect(await github.ask(7, [id], "r")).toEqual(new Set([id]));
});
