import { expect, test } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { slotsOf } from "../../src/queue/classes.js";
import { asks, openQueue, push, pushed, repository, started } from "../support/queue.js";

test("a first clone is long work, even when its repository was pushed to", () => {
  const { queue, clones } = openQueue();
  clones.add(1);
  queue.arm(repository(1), pushed(push(1)));
  queue.arm(repository(2), pushed(push(1)));
  expect(started(queue, "short")).toEqual([2]);
  expect(started(queue, "long")).toEqual([1]);
});

test("lists and the publishing of trees have classes of their own", () => {
  const { queue } = openQueue();
  queue.arm({ kind: "app", id: 0 }, asks("backstop"));
  queue.arm({ kind: "installation", id: 7 }, asks("backstop"));
  queue.arm({ kind: "publish", id: 9 }, asks("push"));
  expect(started(queue, "list")).toEqual([0, 7]);
  expect(started(queue, "publish")).toEqual([9]);
});

test("the class is decided again when the run begins", () => {
  const { queue, clones } = openQueue();
  clones.add(1);
  queue.arm(repository(1), pushed(push(1)));
  clones.clear();
  expect(started(queue, "long")).toEqual([]);
  expect(started(queue, "short")).toEqual([1]);
});

test("a run that was put back is long work, and keeps its attempts", () => {
  const { queue } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  const run = queue.begin(repository(1))!;
  expect(queue.fail(run, new RefreshError("put_back", "slow"))).toBe(0);
  queue.arm(repository(1), pushed(push(2)));
  expect(started(queue, "short")).toEqual([]);
  const again = queue.begin(queue.next("long")!)!;
  expect(again.request.attempt).toBe(1);
  queue.arm(repository(1), pushed(push(3)));
  queue.succeed(again);
  expect(started(queue, "short")).toEqual([1]);
});

test("slots follow CONCURRENCY", () => {
  expect(slotsOf(1)).toEqual({ short: 1, long: 1, list: 2, publish: 1 });
  expect(slotsOf(4)).toEqual({ short: 4, long: 2, list: 2, publish: 2 });
  expect(slotsOf(64)).toEqual({ short: 64, long: 32, list: 32, publish: 32 });
});
