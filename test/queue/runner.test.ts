import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import type { Trigger } from "../../src/base/model.js";
import { keyOf } from "../../src/base/model.js";
import { controlled, repository } from "../support/queue-runner.js";

test("a burst of 1,000 pushes to one repository leads to at most two runs after the first", async () => {
  const { runs, trigger, drain } = controlled();
  for (let n = 1; n <= 1_000; n++) trigger(repository(1), n);
  await drain();
  expect(runs.length).toBeLessThanOrEqual(3);
  expect(runs.at(-1)?.hints[0]?.points.at(-1)).toBe((1_000).toString(16).padStart(40, "0"));
});

test("distinct repositories run in parallel, up to the limit", async () => {
  const { runs, open, trigger, drain, turn } = controlled({ short: 3 });
  for (let id = 1; id <= 5; id++) trigger(repository(id), 1);
  await turn();
  expect(open.size).toBe(3);
  expect(new Set(runs.map(({ repositoryId }) => repositoryId)).size).toBe(3);
  await drain();
  expect(runs).toHaveLength(5);
});

test("first clones never take the slots that pushes need, even when they were pushed to", async () => {
  const { open, clones, trigger, drain, turn, runner, queue } = controlled({ short: 4, long: 2 });
  for (let id = 1; id <= 10; id++) clones.add(id);
  for (let id = 1; id <= 10; id++) trigger(repository(id), 1);
  await turn();
  expect(open.size).toBe(2);
  trigger(repository(50), 1);
  expect(open.has("repository:50")).toBe(true);
  expect(runner.taken()).toMatchObject({
    short: { running: 1, slots: 4 },
    long: { running: 2, slots: 2 },
    list: { running: 0 },
  });
  expect(queue.waiting()).toEqual({ short: 0, long: 8, list: 0, publish: 0 });
  await drain();
});

test("a run that stands by lets the next one start, and counts again after its wait", async () => {
  const { open, clones, trigger, drain, turn, runner, standBy } = controlled({ long: 1 });
  for (const id of [1, 2]) clones.add(id);
  for (const id of [1, 2]) trigger(repository(id), 1);
  await turn();
  expect([...open.keys()]).toEqual(["repository:1"]);
  let end = () => {};
  const stoodBy = standBy.standBy(repository(1), () => new Promise<void>((resolve) => (end = resolve)));
  expect([...open.keys()]).toEqual(["repository:1", "repository:2"]);
  expect(runner.taken().long).toEqual({ running: 1, slots: 1 });
  end();
  await stoodBy;
  expect(runner.taken().long.running).toBe(2);
  await drain();
});

test("pushes that come within ten milliseconds have the queue looked through once", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const { queue, trigger, open } = controlled({ short: 1 });
  const { promote } = queue;
  const looks: number[] = [];
  queue.promote = () => {
    looks.push(performance.now());
    return promote();
  };
  const began = performance.now();
  for (let id = 1; id <= 8; id++) {
    trigger(repository(id), 1);
    vi.advanceTimersByTime(1);
  }
  expect([...open.keys()]).toEqual(["repository:1"]);
  expect(looks).toEqual([]);
  vi.advanceTimersByTime(50);
  expect(looks).toEqual([began + 10]);
});

test("a look that comes sooner is not put off by pushes", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const { queue, trigger, runner } = controlled({ short: 1 });
  let looks = 0;
  const { promote } = queue;
  queue.promote = () => {
    looks += 1;
    return promote();
  };
  runner.wake();
  trigger(repository(1), 1);
  vi.advanceTimersByTime(1);
  expect(looks).toBe(1);
});

test("lists that hang take no slot of a refresh", async () => {
  const { open, trigger, drain, turn } = controlled({ short: 1, list: 2 });
  for (let id = 1; id <= 20; id++) trigger({ kind: "installation", id }, 1, "backstop");
  await turn();
  expect(open.size).toBe(2);
  trigger(repository(50), 1);
  expect(open.has("repository:50")).toBe(true);
  await drain();
});

test("the trees of a mirror are published in slots of their own", async () => {
  const { open, trigger, drain, turn } = controlled({ short: 1, publish: 1 });
  trigger(repository(1), 1);
  for (const id of [1, 2]) trigger({ kind: "publish", id }, 1, "manual");
  await turn();
  expect([...open.keys()].sort()).toEqual(["publish:1", "repository:1"]);
  await drain();
});

test("stopping cancels what runs after the bound and keeps its request", async () => {
  const { trigger, runner, queue } = controlled();
  trigger(repository(1), 1);
  await runner.stop(10);
  expect(queue.depth()).toBe(1);
});

test("the end of a run that cannot be stored is not lost: the repository runs again", async () => {
  const { trigger, runs, open, refuseNext, queue, drain, clock } = controlled();
  trigger(repository(1), 1);
  refuseNext();
  open.get("repository:1")?.();
  const passed = () => {
    clock.now += 1_000;
    return runs.length;
  };
  await expect.poll(passed).toBe(2);
  await drain();
  expect(queue.depth()).toBe(0);
});

const TRIGGERS: Trigger[] = ["push", "manual", "onboard", "backstop"];

test("property: no trigger is lost, no subject ever runs twice at once, and no class exceeds its slots", async () => {
  const id = fc.integer({ min: 1, max: 6 });
  const events = fc.array(
    fc.oneof(
      fc.record({ act: fc.constant("push" as const), id }),
      fc.record({ act: fc.constantFrom("list" as const, "publish" as const), id }),
      fc.record({ act: fc.constant("other" as const), id, trigger: fc.constantFrom(...TRIGGERS.slice(1)) }),
      fc.record({ act: fc.constantFrom("end" as const, "fail" as const, "long" as const), id }),
      fc.record({ act: fc.constant("turn" as const), id: fc.constant(0) }),
    ),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(events, fc.uniqueArray(id), async (steps, withoutMirror) => {
      const it = controlled({ short: 2, long: 1, list: 1, publish: 1 });
      for (const one of withoutMirror) it.clones.add(one);
      const counts = new Map<number, number>();
      for (const step of steps) {
        const subject = repository(step.id);
        if (step.act === "push") {
          counts.set(step.id, (counts.get(step.id) ?? 0) + 1);
          it.trigger(subject, counts.get(step.id)!);
        } else if (step.act === "other") it.trigger(subject, 0, step.trigger);
        else if (step.act === "list") it.trigger({ kind: "installation", id: step.id }, 0, "backstop");
        else if (step.act === "publish") it.trigger({ kind: "publish", id: step.id }, 0, "push");
        else if (step.act === "end") it.open.get(keyOf(subject))?.();
        else if (step.act === "fail") it.fail(keyOf(subject));
        else if (step.act === "long") it.runner.becameLong(subject);
        else await it.turn();
        expect(it.mostAtOnce()).toBeLessThanOrEqual(1);
        expect(it.exceeded()).toEqual([]);
      }
      await it.drain();
      for (const [one, n] of counts) {
        const last = it.runs
          .filter(({ repositoryId, hints }) => repositoryId === one && hints.length > 0)
          .at(-1);
        expect(last?.hints[0]?.points.at(-1)).toBe(n.toString(16).padStart(40, "0"));
      }
    }),
    { numRuns: 60 },
  );
});

test("runs are ended with a reason, and keep their requests", async () => {
  const { trigger, runner, queue, open } = controlled();
  trigger(repository(1), 1);
  trigger({ kind: "installation", id: 7 }, 1, "backstop");
  await expect.poll(() => open.size).toBe(2);
  await runner.end(({ kind }) => kind === "repository", new RefreshError("disk_full", "0B are free"));
  expect([...open.keys()]).toEqual(["installation:7"]);
  expect(queue.list(9).find(({ subject }) => subject.kind === "repository")).toMatchObject({ attempt: 1 });
  expect(queue.depth()).toBe(2);
});

test("without room nothing of a class starts, and all of it once there is room", async () => {
  const { open, trigger, drain, turn, runner, room } = controlled();
  room.delete("short");
  room.delete("publish");
  trigger(repository(1), 1);
  trigger({ kind: "publish", id: 2 }, 1, "manual");
  trigger({ kind: "installation", id: 7 }, 1, "backstop");
  await turn();
  runner.wake(repository(1));
  await turn();
  expect([...open.keys()]).toEqual(["installation:7"]);
  room.add("short");
  runner.wake();
  await turn();
  expect([...open.keys()].sort()).toEqual(["installation:7", "repository:1"]);
  room.add("publish");
  await drain();
});
