import { expect, test } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { openQueue, push, pushed, repository } from "../support/queue.js";

const failing = (code: "unreachable" | "not_yet") => new RefreshError(code, "no");

test("pushes during an outage do not lengthen the wait that follows it", () => {
  const { queue, clock } = openQueue({ random: () => 0.999 });
  queue.arm(repository(1), pushed(push(1)));
  let wait = 0;
  for (let n = 2; n <= 14; n++) {
    wait = queue.fail(queue.begin(repository(1))!, failing("unreachable"))!;
    clock.now += 600;
    queue.arm(repository(1), pushed(push(n)));
  }
  expect(wait).toBeLessThanOrEqual(16_000);
});

test("a run that began early keeps the wait that it began in", () => {
  const { queue, clock } = openQueue({ random: () => 0.999 });
  queue.arm(repository(1), pushed(push(1)));
  for (let n = 0; n < 5; n++) clock.now += queue.fail(queue.begin(repository(1))!, failing("unreachable"))!;
  const wait = queue.fail(queue.begin(repository(1))!, failing("unreachable"))!;
  clock.now += 1_000;
  queue.arm(repository(1), pushed(push(2)));
  expect(queue.fail(queue.begin(repository(1))!, failing("unreachable"))).toBe(wait - 1_000);
});

test("each reason has its own count: an old answer after an outage is asked again after a second", () => {
  const { queue, clock } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  for (let n = 0; n < 6; n++) clock.now += queue.fail(queue.begin(repository(1))!, failing("unreachable"))!;
  const run = queue.begin(repository(1))!;
  expect(queue.fail(run, failing("not_yet"))).toBe(1_000);
  clock.now += 1_000;
  expect(queue.begin(repository(1))?.request).toMatchObject({ attempt: 8 });
});

test("a success starts every count again", () => {
  const { queue, clock } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  clock.now += queue.fail(queue.begin(repository(1))!, failing("unreachable"))!;
  const run = queue.begin(repository(1))!;
  queue.arm(repository(1), pushed(push(2)));
  queue.succeed(run);
  expect(queue.begin(repository(1))?.request.attempt).toBe(1);
});
