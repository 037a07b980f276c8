import { expect, test } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { openQueue, push, pushed, repository, started } from "../support/queue.js";

const low = () => new RefreshError("disk_low", "10MiB free", { retryAfterMs: 30_000 });
const full = () => new RefreshError("disk_full", "0MiB free");

test.each([
  ["clones", low],
  ["refreshes", full],
])("%s that found no room start as soon as there is some, however long their backoff", (_, failure) => {
  const { queue, clock } = openQueue();
  const ids = Array.from({ length: 300 }, (_, n) => n + 1);
  for (const id of ids) {
    queue.arm(repository(id), pushed(push(1)));
    for (let tries = 0; tries < 5; tries++) queue.fail(failing(queue, id), failure());
  }
  expect(queue.promote()).toBe(false);
  expect(started(queue)).toEqual([]);
  expect(queue.list(1)).toMatchObject([{ waitsFor: "disk" }]);
  queue.roomFound();
  while (queue.promote());
  const ready = queue
    .list(ids.length)
    .filter(({ waitsFor, dueAt }) => waitsFor === null && dueAt <= clock.now);
  expect(ready).toHaveLength(ids.length);
});

test("rows that wait for something else go on waiting when there is room", () => {
  const { queue } = openQueue();
  for (const [id, code] of [
    [1, "permission"],
    [2, "unreachable"],
  ] as const) {
    queue.arm(repository(id), pushed(push(1)));
    queue.fail(queue.begin(repository(id))!, new RefreshError(code, "failed"));
  }
  queue.roomFound();
  while (queue.promote());
  expect(started(queue)).toEqual([]);
});

/** A push ends the backoff, so that the next run begins and fails once more. */
function failing(queue: ReturnType<typeof openQueue>["queue"], id: number) {
  const snapshot = queue.begin(repository(id));
  if (snapshot) return snapshot;
  queue.arm(repository(id), pushed(push(1)));
  return queue.begin(repository(id))!;
}
