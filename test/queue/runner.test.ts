import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { RefreshRequest, Subject, Trigger } from "../../src/base/model.js";
import type { Snapshot } from "../../src/queue/contract.js";
import { createRunner } from "../../src/queue/runner.js";
import { openQueue, push, pushed, repository } from "../support/queue.js";

/** Makes a runner whose runs end when the test says so. */
function controlled(concurrency = 4) {
  const { queue } = openQueue();
  const runs: RefreshRequest[] = [];
  const open = new Map<number, () => void>();
  let idle: (() => void) | null = null;
  const runner = createRunner(queue, concurrency, {
    run({ request }: Snapshot, signal) {
      runs.push(request);
      return new Promise<void>((resolve, reject) => {
        open.set(request.repositoryId, resolve);
        signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    },
    settle(snapshot, error) {
      open.delete(snapshot.subject.id);
      if (error) queue.fail(snapshot, error);
      else queue.succeed(snapshot);
      if (queue.depth() === 0) idle?.();
    },
    onFault: (error) => {
      throw error;
    },
  });
  onTestFinished(() => runner.stop(0));
  const trigger = (subject: Subject, n: number, kind: Trigger = "push") => {
    queue.arm(subject, kind === "push" ? pushed(push(n)) : { trigger: kind, hints: [], full: true });
    runner.wake(subject, kind);
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(() => setTimeout(resolve, 0)));
  const drain = async () => {
    const done = new Promise<void>((resolve) => {
      idle = resolve;
    });
    while (queue.depth() > 0) {
      for (const end of [...open.values()]) end();
      await turn();
    }
    await done;
  };
  return { runs, open, trigger, drain, turn, runner, queue };
}

test("a burst of 1,000 pushes to one repository leads to at most two runs after the first", async () => {
  const { runs, trigger, drain } = controlled();
  for (let n = 1; n <= 1_000; n++) trigger(repository(1), n);
  await drain();
  expect(runs.length).toBeLessThanOrEqual(3);
  expect(runs.at(-1)?.hints[0]?.points.at(-1)).toBe((1_000).toString(16).padStart(40, "0"));
});

test("distinct repositories run in parallel, up to the limit", async () => {
  const { runs, open, trigger, drain, turn } = controlled(3);
  for (let id = 1; id <= 5; id++) trigger(repository(id), 1);
  await turn();
  expect(open.size).toBe(3);
  expect(new Set(runs.map(({ repositoryId }) => repositoryId)).size).toBe(3);
  await drain();
  expect(runs).toHaveLength(5);
});

test("cloning never takes the slots that pushes need", async () => {
  const { open, trigger, drain, turn } = controlled(4);
  for (let id = 1; id <= 10; id++) trigger(repository(id), 1, "onboard");
  await turn();
  expect(open.size).toBe(2);
  trigger(repository(50), 1);
  expect(open.has(50)).toBe(true);
  await drain();
});

test("stopping cancels what runs after the bound and keeps its request", async () => {
  const { trigger, runner, queue } = controlled();
  trigger(repository(1), 1);
  await runner.stop(10);
  expect(queue.depth()).toBe(1);
});

test("property: no trigger is lost, no repository ever runs twice at once", async () => {
  const events = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("push" as const), id: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant("end" as const), id: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant("turn" as const), id: fc.constant(0) }),
    ),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(events, async (steps) => {
      const { runs, open, trigger, drain, turn, queue } = controlled(2);
      const counts = new Map<number, number>();
      for (const { kind, id } of steps) {
        if (kind === "push") {
          counts.set(id, (counts.get(id) ?? 0) + 1);
          trigger(repository(id), counts.get(id)!);
        } else if (kind === "end") open.get(id)?.();
        else await turn();
        expect(open.size).toBeLessThanOrEqual(2);
      }
      if (queue.depth() > 0) await drain();
      for (const [id, n] of counts) {
        const last = runs.filter(({ repositoryId }) => repositoryId === id).at(-1);
        expect(last?.hints[0]?.points.at(-1)).toBe(n.toString(16).padStart(40, "0"));
      }
    }),
    { numRuns: 60 },
  );
});
