import { expect, onTestFinished, test } from "vitest";
import { QUEUE_TABLES } from "../../src/queue/tables.js";
import { openStore } from "../../src/store/database.js";
import { asks, openQueue, push, pushed, repository, started } from "../support/queue.js";
import { tempDir } from "../support/temp.js";

/** A database as the first version of the queue left it. */
function oldDatabase(): string {
  const dir = tempDir();
  const store = openStore(dir, [{ module: "queue", steps: QUEUE_TABLES.steps.slice(0, 1) }]);
  const row = store.prepare(
    `INSERT INTO dirty (key, kind, id, installation_id, generation, priority, hints, full_generation, attempt,
     armed_at, due_at, held_until, delivery_id) VALUES (?, ?, ?, 7, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const hint = { ref: "refs/heads/main", points: ["a", "b"], pushedAt: 5, ordered: true, generation: 3 };
  row.run("repository:1", "repository", 1, 3, 0, JSON.stringify([hint]), 0, 0, 900_000, 900_000, 0, "guid");
  row.run("repository:2", "repository", 2, 4, 3, "[]", 4, 5, 0, 1_300_000, 0, null);
  row.run("repository:3", "repository", 3, 5, 0, "[]", 5, 1, 900_000, 1_060_000, 1_060_000, null);
  row.run("app:0", "app", 0, 6, 1, "[]", 6, 0, 900_000, 900_000, 0, null);
  store.prepare("UPDATE counter SET value = 6").run();
  store.close();
  return dir;
}

test("a database of the old shape opens with its rows intact", () => {
  const { queue, clock } = openQueue({ dir: oldDatabase() });
  expect(queue.depth()).toBe(4);
  queue.promote();
  const run = queue.begin(repository(1))!;
  expect(run).toMatchObject({ generation: 3, request: { trigger: "push", attempt: 1, deliveryId: "guid" } });
  expect(run.request.hints).toEqual([
    { ref: "refs/heads/main", points: ["a", "b"], pushedAt: 5, ordered: true, receivedAt: 900_000 },
  ]);
  expect(started(queue, "list")).toEqual([0]);
  // GitHub's own wait still holds; a backoff does not end early by itself.
  queue.arm(repository(3), pushed(push(1)));
  expect(queue.begin(repository(3))).toBeNull();
  expect(queue.begin(repository(2))).toBeNull();
  clock.now += 300_000;
  expect(queue.begin(repository(2))?.request).toMatchObject({ attempt: 6, full: true });
  expect(queue.begin(repository(3))).not.toBeNull();
  expect(queue.arm(repository(9), asks("manual"))).toBe(8);
});

test("a due time that is further away than any wait is due now", () => {
  const { queue, clock, reopen } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  queue.begin(repository(1));
  clock.now += 24 * 3_600_000; // The clock is a day ahead, and then right.
  const ahead = reopen();
  clock.now -= 24 * 3_600_000;
  const right = reopen();
  expect(ahead).not.toBe(right);
  expect(right.nextDueIn()).toBe(0);
  right.promote();
  expect(started(right)).toEqual([1]);
});

test("a repository that takes the process down backs off further each time", () => {
  let { queue, clock, reopen } = openQueue({ random: () => 0.999 });
  queue.arm(repository(1), pushed(push(1)));
  const waits = Array.from({ length: 4 }, () => {
    queue.begin(repository(1));
    queue = reopen();
    const wait = queue.nextDueIn()!;
    clock.now += wait;
    return Math.round(wait / 1000);
  });
  expect(waits).toEqual([2, 4, 8, 16]);
});

test("the end of a run that could not be stored leaves its row due after a backoff", () => {
  const { queue, clock } = openQueue();
  queue.arm(repository(1), pushed(push(1)));
  queue.begin(repository(1));
  queue.reclaim(repository(1));
  expect(queue.begin(repository(1))).toBeNull();
  clock.now += 2_000;
  expect(queue.begin(repository(1))?.request.attempt).toBe(2);
});

test("a store can be opened twice in a row with the new tables", () => {
  const dir = tempDir();
  openStore(dir, [QUEUE_TABLES]).close();
  const store = openStore(dir, [QUEUE_TABLES]);
  onTestFinished(() => store.close());
  expect(store.prepare("SELECT count(*) AS n FROM dirty").get()).toMatchObject({ n: 0 });
});
