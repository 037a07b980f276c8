import { expect, test } from "vitest";
import { createLimits } from "../../src/github/limits.js";

const RESET = 1_700_000_000;

function setUp() {
  const clock = { now: RESET * 1000 - 60_000 };
  const answers: Response[] = [];
  let asked = 0;
  const limits = createLimits(
    async () => {
      asked += 1;
      return answers.shift() ?? new Response("{}");
    },
    () => clock.now,
  );
  const call = (whose: string) => limits.fetchAs(whose)("https://api.github.com/x");
  const answer = (status: number, headers: Record<string, string>) =>
    answers.push(new Response("{}", { status, headers }));
  return { clock, limits, call, answer, asked: () => asked };
}

const primary = (remaining: number) => ({
  "x-ratelimit-limit": "5000",
  "x-ratelimit-remaining": String(remaining),
  "x-ratelimit-reset": String(RESET),
});

test("what GitHub says of its limits is kept by whose they are", async () => {
  const { limits, call, answer } = setUp();
  answer(200, primary(4321));
  await call("app");
  answer(200, primary(99));
  await call("installation 3");
  expect(limits.usage()).toEqual({
    calls: 2,
    limits: [
      { whose: "app", limit: 5000, remaining: 4321, resetsAt: RESET * 1000, heldUntil: 0 },
      { whose: "installation 3", limit: 5000, remaining: 99, resetsAt: RESET * 1000, heldUntil: 0 },
    ],
  });
});

test("a used-up primary limit blocks only its owner, until GitHub's own time", async () => {
  const { clock, call, answer, asked } = setUp();
  answer(403, primary(0));
  await call("installation 3");
  await expect(call("installation 3")).rejects.toMatchObject({
    code: "rate_limited",
    retry: { kind: "after", ms: 60_000 },
  });
  await call("installation 4");
  expect(asked()).toBe(2);
  clock.now = RESET * 1000;
  await call("installation 3");
  expect(asked()).toBe(3);
});

test("Retry-After is about the App as a whole", async () => {
  const { clock, limits, call, answer } = setUp();
  answer(403, { ...primary(4000), "retry-after": "30" });
  await call("installation 3");
  await expect(call("app")).rejects.toMatchObject({ retry: { kind: "after", ms: 30_000 } });
  expect(limits.usage().limits[0]).toMatchObject({ heldUntil: clock.now + 30_000 });
  clock.now += 30_000;
  await call("app");
});

/** Writes a time as GitHub's Date header does. */
const date = (ms: number) => new Date(ms).toUTCString();
const HOURS = 3_600_000;

test.each([
  ["two hours ahead", 2 * HOURS],
  ["two hours behind", -2 * HOURS],
])("the wait goes by GitHub's clock when the one here is %s", async (_, ahead) => {
  const { clock, limits, call, answer, asked } = setUp();
  const here = clock.now + ahead;
  answer(403, { ...primary(0), date: date(clock.now) });
  clock.now = here;
  await call("app");
  await expect(call("app")).rejects.toMatchObject({ retry: { kind: "after", ms: 60_000 } });
  expect(limits.usage().limits[0]).toMatchObject({ heldUntil: here + 60_000 });
  clock.now = here + 60_000;
  await call("app");
  expect(asked()).toBe(2);
});

test.each([
  ["no time", { "x-ratelimit-reset": "" }, 60_000],
  ["a time that is not a number", { "x-ratelimit-reset": "soon" }, 60_000],
  ["a time that is over", { "x-ratelimit-reset": String(RESET - 3_600) }, 60_000],
  ["a time in days", { "x-ratelimit-reset": String(RESET + 3 * 86_400) }, 3_600_000],
  ["a date that is none", { date: "today" }, 60_000],
])("a used-up limit with %s ends all the same", async (_, headers, ms) => {
  const { clock, call, answer, asked } = setUp();
  answer(403, { ...primary(0), ...headers });
  await call("app");
  await expect(call("app")).rejects.toMatchObject({ retry: { kind: "after", ms } });
  clock.now += ms;
  await call("app");
  expect(asked()).toBe(2);
});

test("a used-up limit without a reset holds for a minute, and is not shown with an invalid time", async () => {
  const { clock, limits, call, answer } = setUp();
  answer(403, { "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0" });
  await call("app");
  await expect(call("app")).rejects.toMatchObject({ retry: { kind: "after", ms: 60_000 } });
  expect(limits.usage().limits).toEqual([]);
  clock.now += 60_000;
  await call("app");
});

test("the limits in the answer to a refused token are not its installation's", async () => {
  const { limits, call, answer } = setUp();
  answer(401, { ...primary(0), "x-ratelimit-limit": "60" });
  await call("installation 3");
  expect(limits.usage().limits).toEqual([]);
});

test("a refused call says whose limit it met: its owner's primary one, or the one of all calls", async () => {
  const { call, answer } = setUp();
  answer(403, primary(0));
  await call("installation 3");
  await expect(call("installation 3")).rejects.toMatchObject({ resource: { kind: "rest", whose: 3 } });
  answer(403, { "retry-after": "90" });
  await call("app");
  await expect(call("app")).rejects.toMatchObject({ resource: { kind: "rest", whose: "everything" } });
});

test("no call is made while GitHub's wait, which an earlier process was asked for, lasts", async () => {
  const { clock, limits, call, asked } = setUp();
  limits.hold(3, clock.now + 30_000);
  await expect(call("installation 3")).rejects.toMatchObject({ retry: { kind: "after", ms: 30_000 } });
  await call("app");
  clock.now += 30_000;
  await call("installation 3");
  expect(asked()).toBe(2);
});

test("an answer is reported, a server error is not", async () => {
  const { limits, call, answer } = setUp();
  let answers = 0;
  limits.onAnswer(() => {
    answers += 1;
  });
  answer(502, {});
  await call("app");
  expect(answers).toBe(0);
  await call("app");
  expect(answers).toBe(1);
});
