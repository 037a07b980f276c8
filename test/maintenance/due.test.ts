import { expect, test } from "vitest";
import { dueTasks, putOffMs } from "../../src/maintenance/due.js";
import type { Task, TaskRun, Wear } from "../../src/maintenance/log.js";

const DAY = 86_400_000;
const NOW = 1_000 * DAY;
const run = (about: Partial<TaskRun>): TaskRun => ({
  ...{ doneAt: NOW - DAY, failures: 0, retryAt: 0, errorCode: null, ...about },
});

/** A mirror that needs nothing except what the test sets. */
const wear = (about: Partial<Wear>, runs: Partial<Record<Task, TaskRun>> = {}): Wear => ({
  ...{ seenAt: 0, refreshes: 0, refs: 0, changedAt: null, unreachableAt: null, clones: 0 },
  ...about,
  runs: { tidy: run({}), prune: run({}), check: run({}), bitmap: run({}), ...runs },
});

test.each<[string, Wear, Task[]]>([
  ["nothing happened", wear({}), []],
  ["99 refreshes today", wear({ refreshes: 99, refs: 99, changedAt: NOW - 1 }), []],
  ["100 refreshes today", wear({ refreshes: 100, refs: 100, changedAt: NOW - 1 }), ["tidy"]],
  ["one refresh of 1,000 refs", wear({ refreshes: 1, refs: 1_000, changedAt: NOW - 1 }), ["tidy"]],
  ["one refresh yesterday", wear({ refreshes: 1, refs: 1, changedAt: NOW - DAY }), ["tidy"]],
  ["unreachable since yesterday", wear({ unreachableAt: NOW - DAY }), []],
  ["unreachable for a week, pruned yesterday", wear({ unreachableAt: NOW - 7 * DAY }), []],
  [
    "unreachable for a week, never pruned",
    wear({ unreachableAt: NOW - 7 * DAY }, { prune: run({ doneAt: null }) }),
    ["prune"],
  ],
  ["checked a week ago", wear({}, { check: run({ doneAt: NOW - 7 * DAY }) }), ["check"]],
  [
    "cloned 25 times, never with a bitmap",
    wear({ clones: 25 }, { bitmap: run({ doneAt: null }) }),
    ["bitmap"],
  ],
  ["cloned 24 times", wear({ clones: 24 }, { bitmap: run({ doneAt: null }) }), []],
  ["cloned often since the bitmap of yesterday", wear({ clones: 500 }), []],
  [
    "cloned often since a bitmap of a week ago",
    wear({ clones: 25 }, { bitmap: run({ doneAt: NOW - 7 * DAY }) }),
    ["bitmap"],
  ],
  [
    "put off until later",
    wear({ refreshes: 500 }, { tidy: run({ retryAt: NOW + 1 }), check: run({ doneAt: 0 }) }),
    ["check"],
  ],
  [
    "changed while the clock was a day ahead",
    wear({ refreshes: 1, refs: 1, changedAt: NOW + DAY }),
    ["tidy"],
  ],
  ["checked while the clock was a day ahead", wear({}, { check: run({ doneAt: NOW + DAY }) }), ["check"]],
  [
    "put off while the clock was a month ahead",
    wear({ refreshes: 500 }, { tidy: run({ retryAt: NOW + 30 * DAY }) }),
    ["tidy"],
  ],
])("due: %s", (_, known, tasks) => {
  expect(dueTasks(7, known, NOW)).toEqual(tasks);
});

test("mirrors that were cloned together are first checked over a week, none later", () => {
  const fresh = (days: number) => wear({ seenAt: NOW - days * DAY }, { check: run({ doneAt: null }) });
  const due = (days: number) =>
    Array.from({ length: 700 }, (_, n) => n * 131).filter((id) =>
      dueTasks(id, fresh(days), NOW).includes("check"),
    );
  expect(due(1).length).toBeGreaterThan(50);
  expect(due(1).length).toBeLessThan(150);
  expect(due(7)).toHaveLength(700);
});

test("a task that fails, or yields to a refresh, is delayed longer each time, by a day at most", () => {
  const minutes = (hasYielded: boolean) => [0, 1, 2, 20].map((n) => putOffMs(n, { hasYielded }) / 60_000);
  expect(minutes(true)).toEqual([5, 10, 20, 1_440]);
  expect(minutes(false)).toEqual([60, 120, 240, 1_440]);
});
