import { expect, test } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import type { Subject } from "../../src/base/model.js";
import {
  askedToWait,
  asks,
  GIT,
  openQueue,
  push,
  pushed,
  repository,
  sha,
  started,
} from "../support/queue.js";

test("an armed subject is due at once and gone after a successful run", () => {
  const { queue } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  const snapshot = queue.begin(repository(1));
  expect(snapshot?.request).toMatchObject({ trigger: "push", attempt: 1, full: false });
  queue.succeed(snapshot!);
  expect(queue.depth()).toBe(0);
  expect(queue.begin(repository(1))).toBeNull();
});

test("what comes in during a run leads to exactly one follow-up with only what is new", () => {
  const { queue, clock } = openQueue();
  queue.arm(repository(1), pushed(push(1), push(1, "refs/heads/other")));
  const first = queue.begin(repository(1))!;
  queue.arm(repository(1), pushed(push(2)));
  queue.arm(repository(1), pushed(push(3)));
  queue.succeed(first);
  const second = queue.begin(repository(1))!;
  expect(second.request.hints).toEqual([
    {
      ref: "refs/heads/main",
      points: [sha(0), sha(1), sha(2), sha(3)],
      pushedAt: 3,
      ordered: true,
      receivedAt: clock.now,
    },
  ]);
  queue.succeed(second);
  expect(queue.depth()).toBe(0);
});

test("the repositories in the queue are those with a refresh or a publish, whatever else has their number", () => {
  const { queue } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  queue.arm({ kind: "publish", id: 2 }, pushed(push(1)));
  queue.arm({ kind: "installation", id: 3 }, asks("backstop"));
  queue.arm(repository(4), pushed(push(1)));
  queue.begin(repository(4));
  expect(queue.repositoriesIn([1, 2, 3, 4, 5])).toEqual(new Set([1, 2, 4]));
  expect(queue.repositoriesIn([])).toEqual(new Set());
});

test("a request survives a crash before, during and after its run began", () => {
  const { queue, reopen, clock } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  const again = reopen();
  expect(again.begin(repository(1))).not.toBeNull();
  const third = reopen();
  expect(third.begin(repository(1))).toBeNull(); // it took the process down: it waits a little
  clock.now += third.nextDueIn()!;
  expect(third.begin(repository(1))?.request).toMatchObject({
    attempt: 2,
    hints: [{ ref: "refs/heads/main" }],
  });
});

test("pushes come before manual requests, onboarding and the backstop", () => {
  const { queue } = openQueue();
  queue.arm(repository(1), asks("backstop"));
  queue.arm(repository(2), asks("onboard"));
  queue.arm(repository(3), asks("manual"));
  queue.arm(repository(4), asks("push"));
  expect(queue.list(10).map(({ subject }) => subject.id)).toEqual([4, 3, 2, 1]);
  expect(started(queue)).toEqual([4, 3, 2, 1]);
});

test("a fresh push cuts a backoff short, but never GitHub's own Retry-After", () => {
  const { queue, clock } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  queue.fail(queue.begin(repository(1))!, new RefreshError("unreachable", "down"));
  expect(queue.begin(repository(1))).toBeNull();
  queue.arm(repository(1), pushed(push(2)));
  const second = queue.begin(repository(1))!;
  expect(second.request.attempt).toBe(2);
  queue.fail(second, askedToWait(60_000, GIT));
  queue.arm(repository(1), pushed(push(3)));
  expect(queue.begin(repository(1))).toBeNull();
  clock.now += 60_000;
  expect(queue.begin(repository(1))).not.toBeNull();
});

const LISTS: Subject[] = [
  { kind: "app", id: 0 },
  { kind: "installation", id: 7 },
];
const byBackstop = asks("backstop");

/** Fails a subject until its wait is the longest. */
function failedLong(subject: Subject) {
  const { queue, clock } = openQueue({ random: () => 0.999 });
  queue.arm(subject, byBackstop);
  const fail = (error: RefreshError) => {
    const wait = queue.fail(queue.begin(subject)!, error)!;
    clock.now += wait;
  };
  for (let n = 0; n < 12; n++) fail(new RefreshError("unreachable", "down"));
  return { queue, clock };
}

test.each(LISTS)("a pass of the backstop asks for a list ($kind) at once, however long it failed", (list) => {
  const { queue, clock } = failedLong(list);
  queue.fail(queue.begin(list)!, new RefreshError("unreachable", "down"));
  clock.now += 60_000;
  expect(queue.begin(list)).toBeNull();
  queue.arm(list, byBackstop);
  expect(queue.startableClass(list)).toBe("list");
  expect(queue.begin(list)?.request.attempt).toBe(14);
});

test.each(LISTS)("GitHub's own Retry-After holds a list ($kind) for every pass", (list) => {
  const { queue, clock } = failedLong(list);
  queue.fail(queue.begin(list)!, askedToWait(1_800_000, { kind: "rest", whose: "everything" }));
  clock.now += 1_799_999;
  queue.arm(list, byBackstop);
  expect(queue.begin(list)).toBeNull();
  clock.now += 1;
  expect(queue.begin(list)).not.toBeNull();
});

test("a pass of the backstop leaves a repository its backoff", () => {
  const { queue, clock } = failedLong(repository(1));
  const wait = queue.fail(queue.begin(repository(1))!, new RefreshError("unreachable", "down"))!;
  clock.now += wait - 1;
  queue.arm(repository(1), byBackstop);
  expect(queue.begin(repository(1))).toBeNull();
  clock.now += 1;
  expect(queue.begin(repository(1))).not.toBeNull();
});

test("the wait grows with each failure, up to ten minutes", () => {
  const { queue, clock } = openQueue({ random: () => 0.999 });
  queue.arm(repository(1), pushed(push(1)));
  const waits = Array.from({ length: 14 }, () => {
    const wait = queue.fail(queue.begin(repository(1))!, new RefreshError("unreachable", "down"))!;
    clock.now += wait;
    return wait;
  });
  expect(waits.slice(0, 3).map((ms) => Math.round(ms / 1000))).toEqual([2, 4, 8]);
  expect(waits.at(-1)).toBeLessThanOrEqual(600_000);
  expect(waits.at(-1)).toBeGreaterThan(590_000);
});

test("an old answer is asked again after 1, 2, 5 and 15 seconds, then every ref is compared", () => {
  const { queue, clock } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  const steps = Array.from({ length: 5 }, () => {
    const snapshot = queue.begin(repository(1))!;
    const wait = queue.fail(snapshot, new RefreshError("not_yet", "old"))!;
    clock.now += wait;
    return { wait, full: snapshot.request.full };
  });
  expect(steps.map(({ wait }) => wait)).toEqual([1_000, 2_000, 5_000, 15_000, 1_000]);
  expect(steps.some(({ full }) => full)).toBe(false);
  expect(queue.begin(repository(1))?.request.full).toBe(true);
});

test("a comparison that meets the old answer, too, is repeated with growing waits", () => {
  const { queue, clock } = openQueue({ random: () => 0.999 });
  queue.arm(repository(1), pushed(push(1)));
  const waits = Array.from({ length: 12 }, () => {
    const wait = queue.fail(queue.begin(repository(1))!, new RefreshError("not_yet", "old"))!;
    clock.now += wait;
    return Math.round(wait / 1000);
  });
  expect(waits.slice(4, 8)).toEqual([1, 32, 64, 128]);
  expect(waits.at(-1)).toBeGreaterThan(590);
});

test("a publish whose contents GitHub does not serve yet offers no refused commit again", () => {
  const { queue, clock } = openQueue();
  const trees = { kind: "publish", id: 1 } as const;
  queue.arm(trees, { trigger: "push", hints: [], full: false }, { installationId: 1 });
  for (let n = 0; n < 8; n++) {
    const snapshot = queue.begin(trees)!;
    expect(snapshot.request.full).toBe(false);
    clock.now += queue.fail(snapshot, new RefreshError("not_yet", "old"))!;
  }
});

test("with a quiet period the run waits until pushes pause, at most ten periods", () => {
  const { queue, clock } = openQueue({ quietPeriodMs: 1_000 });
  queue.arm(repository(1), pushed(push(1)));
  for (let n = 2; n < 30 && !queue.begin(repository(1)); n++) {
    clock.now += 900;
    queue.arm(repository(1), pushed(push(n)));
  }
  expect(clock.now - 1_000_000).toBeGreaterThan(8_000);
  expect(clock.now - 1_000_000).toBeLessThanOrEqual(10_800);
});

test("more refs than are worth asking for one by one become a full comparison", () => {
  const { queue } = openQueue();
  for (let n = 1; n <= 301; n++) queue.arm(repository(1), pushed(push(n, `refs/heads/b${n}`)));
  expect(queue.begin(repository(1))?.request).toMatchObject({ full: true, hints: [] });
});
