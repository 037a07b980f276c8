import { expect, test } from "vitest";
import { openQueue, push, pushed, repository, sha } from "../support/queue.js";

test("what a failed transaction wrote of a row is forgotten, too", () => {
  const { queue, store } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  const failing = () =>
    store().transaction(() => {
      queue.arm(repository(1), pushed(push(2)));
      queue.arm(repository(2), pushed(push(2)));
      queue.begin(repository(1));
      throw new Error("the disk is full");
    });
  expect(failing).toThrow("the disk is full");
  expect(queue.has(repository(2))).toBe(false);
  expect(queue.startableClass(repository(1))).toBe("short");
  expect(queue.begin(repository(1))?.request.hints).toMatchObject([{ points: [sha(0), sha(1)] }]);
});

test("a row is the same in memory and on disk, whatever has become of it", () => {
  const { queue, store, clock } = openQueue({ quietPeriodMs: 2_000 });
  const onDisk = () => store().prepare("SELECT * FROM dirty WHERE key = 'repository:1'").get();
  queue.arm(repository(1), pushed(push(1)), { installationId: 7, deliveryId: "d1" });
  clock.now += 1_000;
  queue.arm(repository(1), pushed(push(2)), { installationId: 7, deliveryId: "d2" });
  expect(onDisk()).toMatchObject({ state: "waiting", due_at: clock.now + 2_000, delivery_id: "d2" });
  clock.now += 2_000;
  queue.promote();
  expect(onDisk()).toMatchObject({ state: "ready", tag: 1 });
  const snapshot = queue.begin(repository(1))!;
  expect(onDisk()).toMatchObject({ state: "running", begun: 1, due_at: null, running_since: clock.now });
  queue.succeed(snapshot);
  expect(onDisk()).toBeUndefined();
  expect(queue.begin(repository(1))).toBeNull();
});

test("a request is stored although its row was taken away behind the queue", () => {
  const { queue, store, reopen } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  store().prepare("DELETE FROM dirty").run();
  queue.arm(repository(1), pushed(push(2)));
  expect(reopen().begin(repository(1))).not.toBeNull();
});
