import { expect, test } from "vitest";
import type { Subject } from "../../src/base/model.js";
import type { Resource } from "../../src/base/resources.js";
import { askedToWait, asks, GIT, openQueue, push, pushed, repository, silent } from "../support/queue.js";

const REST: Resource = { kind: "rest", whose: 7 };
const of7 = { installationId: 7 };
type Queue = ReturnType<typeof openQueue>["queue"];

const failRun = (queue: Queue, subject: Subject, error: Parameters<Queue["fail"]>[1]) =>
  queue.fail(queue.begin(subject)!, error);

test("REST's Retry-After, met by one request, does not delay a push that may need no REST", () => {
  const { queue } = openQueue();
  queue.arm(repository(1), asks("backstop"), of7);
  expect(failRun(queue, repository(1), askedToWait(3_600_000, REST))).toBe(3_600_000);
  expect(queue.begin(repository(1))).toBeNull();
  queue.arm(repository(1), pushed(push(1)));
  expect(queue.begin(repository(1))).not.toBeNull();
});

test("a run that meets a held resource uses up no attempt", () => {
  const { queue } = openQueue();
  queue.arm(repository(1), pushed(push(1)), of7);
  failRun(queue, repository(1), askedToWait(60_000, REST));
  queue.arm(repository(1), pushed(push(2)));
  expect(queue.begin(repository(1))?.request.attempt).toBe(1);
});

test("a row says what it waits for, and the hold is listed", () => {
  const { queue, clock } = openQueue();
  queue.arm(repository(1), asks("backstop"), of7);
  failRun(queue, repository(1), askedToWait(60_000, REST));
  expect(queue.list(1)[0]).toMatchObject({ waitsFor: "rest:installation:7", dueAt: clock.now + 60_000 });
  expect(queue.held()).toEqual([
    { key: "rest:installation:7", kind: "rest", owner: "installation", id: 7, until: clock.now + 60_000 },
  ]);
  clock.now += 60_000;
  expect(queue.held()).toEqual([]);
});

test("git's Retry-After holds its repository for every trigger, and no other repository", () => {
  const { queue, clock } = openQueue();
  queue.arm(repository(1), pushed(push(1)), of7);
  queue.arm(repository(2), pushed(push(1)), of7);
  failRun(queue, repository(1), askedToWait(60_000, GIT));
  queue.arm(repository(1), pushed(push(2)));
  expect(queue.begin(repository(1))).toBeNull();
  expect(queue.begin(repository(2))).not.toBeNull();
  clock.now += 60_000;
  expect(queue.begin(repository(1))).not.toBeNull();
});

test("git's Retry-After to three repositories holds their installation's git, never the host", () => {
  const { queue, clock } = openQueue();
  for (const id of [1, 2, 3]) {
    queue.arm(repository(id), pushed(push(1)), of7);
    failRun(queue, repository(id), askedToWait(60_000, GIT));
  }
  queue.arm(repository(4), pushed(push(1)), of7);
  queue.arm(repository(5), pushed(push(1)), { installationId: 8 });
  expect(queue.begin(repository(4))).toBeNull();
  expect(queue.begin(repository(5))).not.toBeNull();
  expect(queue.outages()).toEqual([]);
  clock.now += 60_000;
  expect(queue.begin(repository(4))).not.toBeNull();
});

test("a row that was ready before its installation was held waits like the others", () => {
  const { queue } = openQueue();
  queue.arm(repository(4), pushed(push(1)), of7);
  for (const id of [1, 2, 3]) {
    queue.arm(repository(id), pushed(push(1)), of7);
    failRun(queue, repository(id), askedToWait(60_000, GIT));
  }
  expect(queue.begin(repository(4))).toBeNull();
  expect(queue.list(10).map(({ waitsFor }) => waitsFor)).toContain("git:installation:7");
});

test("a limit of one installation holds its list, not that of another, and not the App's", () => {
  const { queue } = openQueue();
  const list = (id: number): Subject => ({ kind: "installation", id });
  for (const id of [7, 8]) queue.arm(list(id), asks("backstop"), { installationId: id });
  queue.arm({ kind: "app", id: 0 }, asks("backstop"));
  failRun(queue, list(7), askedToWait(60_000, REST));
  queue.arm(list(7), asks("backstop"));
  expect(queue.begin(list(7))).toBeNull();
  expect(queue.begin(list(8))).not.toBeNull();
  expect(queue.begin({ kind: "app", id: 0 })).not.toBeNull();
});

test("a hold outlives a restart, but not by more than the longest wait", () => {
  const { queue, reopen, clock } = openQueue();
  queue.arm(repository(1), pushed(push(1)), of7);
  failRun(queue, repository(1), askedToWait(60_000, GIT));
  const again = reopen();
  again.arm(repository(1), pushed(push(2)));
  expect(again.begin(repository(1))).toBeNull();
  clock.now -= 24 * 3_600_000; // The clock was a day ahead when the hold was stored.
  const third = reopen();
  expect(third.held()).toEqual([]);
  expect(third.nextDueIn()).toBe(0);
  third.promote();
  expect(third.begin(repository(1))).not.toBeNull();
});

test("a single pass waits for nothing", () => {
  const { queue } = openQueue();
  queue.neverWait();
  for (const id of [1, 2, 3, 4]) {
    queue.arm(repository(id), asks("manual"), of7);
    failRun(queue, repository(id), id === 1 ? askedToWait(60_000, GIT) : silent());
  }
  queue.arm(repository(1), asks("manual"));
  expect(queue.begin(repository(1))).not.toBeNull();
  queue.arm(repository(5), asks("manual"), of7);
  expect(queue.begin(repository(5))).not.toBeNull();
});
