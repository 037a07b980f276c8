import fc from "fast-check";
import { expect, test } from "vitest";
import { asks, openQueue, push, pushed, repository, started } from "../support/queue.js";

test("installations take turns: ten thousand repositories of one do not hold up another", () => {
  const { queue } = openQueue();
  for (let id = 1; id <= 50; id++) queue.arm(repository(id), asks("onboard"), { installationId: 7 });
  queue.arm(repository(99), asks("onboard"), { installationId: 8 });
  expect(started(queue, "short", 2)).toEqual([1, 99]);
});

test("an installation that comes later does not wait for the turns that others have had", () => {
  const { queue } = openQueue();
  for (let id = 1; id <= 20; id++) queue.arm(repository(id), asks("onboard"), { installationId: 7 });
  expect(started(queue, "short", 5)).toEqual([1, 2, 3, 4, 5]);
  queue.arm(repository(90), asks("onboard"), { installationId: 8 });
  queue.arm(repository(91), asks("onboard"), { installationId: 8 });
  const next = started(queue, "short", 4);
  expect(next).toContain(90);
  expect(next.indexOf(90)).toBeLessThan(2);
});

test("turns go on after a restart", () => {
  const { queue, reopen } = openQueue();
  for (let id = 1; id <= 20; id++) queue.arm(repository(id), asks("onboard"), { installationId: 7 });
  started(queue, "short", 5);
  const again = reopen();
  again.arm(repository(90), asks("onboard"), { installationId: 8 });
  expect(started(again, "short", 2)).toContain(90);
});

test("every eighth start takes the row that is due for longest, whatever its priority", () => {
  const { queue, clock } = openQueue();
  queue.arm(repository(1), asks("backstop"));
  for (let id = 2; id <= 40; id++) {
    clock.now += 1;
    queue.arm(repository(id), pushed(push(1)));
  }
  expect(started(queue, "short", 8)).toEqual([2, 3, 4, 5, 6, 7, 8, 1]);
});

test("the backstop goes on while every start has a push to serve", () => {
  const { queue, clock } = openQueue();
  for (let id = 1_000; id < 1_010; id++) queue.arm(repository(id), asks("backstop"));
  let pushes = 0;
  while (queue.depth() > 0 && pushes < 200) {
    clock.now += 16;
    queue.arm(repository(++pushes), pushed(push(1)));
    const snapshot = queue.begin(queue.next("short")!)!;
    queue.succeed(snapshot);
    if (!queue.list(300).some(({ trigger }) => trigger === "backstop")) break;
  }
  expect(pushes).toBeLessThanOrEqual(90);
});

test("property: within one priority no installation gets two turns more than another that waits", () => {
  const armings = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 8, maxLength: 60 });
  fc.assert(
    fc.property(armings, (owners) => {
      const { queue } = openQueue();
      for (const [n, installationId] of owners.entries())
        queue.arm(repository(n + 1), asks("onboard"), { installationId });
      const left = new Map<number, number>();
      for (const owner of owners) left.set(owner, (left.get(owner) ?? 0) + 1);
      const had = new Map<number, number>();
      // Every eighth start has another order.
      for (const id of started(queue, "short", 7)) {
        const owner = owners[id - 1]!;
        had.set(owner, (had.get(owner) ?? 0) + 1);
        left.set(owner, left.get(owner)! - 1);
        for (const [other, count] of left)
          if (count > 0) expect(had.get(owner)! - (had.get(other) ?? 0)).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 40 },
  );
});
