import { expect, test } from "vitest";
import { createHeardClock } from "../../src/github/clock.js";

const DATE = "Thu, 26 Nov 2026 10:00:00 GMT";
const AT = Date.parse(DATE);

function setUp() {
  const times = { wall: AT, steady: 500 };
  const clock = createHeardClock(
    () => times.wall,
    () => times.steady,
  );
  return { times, clock };
}

test("before GitHub's first answer nothing is old enough to be deleted", () => {
  const { clock } = setUp();
  expect(clock.earliest()).toBe(Number.NEGATIVE_INFINITY);
  expect(clock.latest()).toBe(AT);
});

test("a wall clock that jumps moves neither time by more than GitHub's clock allows", () => {
  const { times, clock } = setUp();
  clock.hear(DATE);
  times.steady += 1_000;
  times.wall = AT + 86_400_000;
  expect(clock.earliest()).toBe(AT + 1_000);
  times.wall = 0;
  expect(clock.latest()).toBe(AT + 1_000);
});

test("where GitHub's clock is the wrong one, this machine's counts", () => {
  const { times, clock } = setUp();
  clock.hear("Sat, 26 Dec 2026 10:00:00 GMT");
  expect(clock.earliest()).toBe(times.wall);
  clock.hear("Mon, 26 Oct 2026 10:00:00 GMT");
  expect(clock.latest()).toBe(times.wall);
});

test("an answer without a readable date changes nothing", () => {
  const { clock } = setUp();
  clock.hear(DATE);
  for (const date of [null, "", "yesterday"]) clock.hear(date);
  expect(clock.earliest()).toBe(AT);
});
