import { expect, onTestFinished, test } from "vitest";
import { steadyNow } from "../../src/base/clock.js";
import { keyOf, type Subject } from "../../src/base/model.js";
import type { Slots } from "../../src/queue/classes.js";
import { createEmbeddedQueue } from "../../src/queue/embedded.js";
import { createRunner } from "../../src/queue/runner.js";
import { QUEUE_TABLES } from "../../src/queue/tables.js";
import { openStore } from "../../src/store/database.js";
import { asks, push, pushed, repository, silent } from "../support/queue.js";
import { tempDir } from "../support/temp.js";

const SLOTS: Slots = { short: 4, long: 2, list: 2, publish: 2 };

/** A queue and a runner with real clocks. A run hangs until it is aborted where the test says so. */
function running() {
  const store = openStore(tempDir(), [QUEUE_TABLES]);
  const clones = new Set<number>();
  const hangs = new Set<string>();
  const fails = new Set<string>();
  const begunAt = new Map<string, number>();
  const listeners = new Map<string, () => void>();
  const queue = createEmbeddedQueue({
    store,
    quietPeriodMs: 0,
    gitHost: "github.com",
    needsClone: (id) => clones.has(id),
    random: () => 0.5,
  });
  const runner = createRunner(queue, SLOTS, {
    async run({ subject }, signal) {
      const key = keyOf(subject);
      begunAt.set(key, performance.now());
      listeners.get(key)?.();
      if (fails.has(key)) throw silent("unreachable");
      if (!hangs.has(key)) return;
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
    settle(snapshot, error) {
      if (error) queue.fail(snapshot, error);
      else queue.succeed(snapshot);
    },
    onFault(error) {
      throw error;
    },
  });
  onTestFinished(async () => {
    await runner.stop(0);
    store.close();
  });
  return {
    ...{ store, queue, runner, clones, hangs, fails, begunAt },
    arm(subject: Subject, installationId: number, trigger: "push" | "onboard" | "backstop" = "push") {
      queue.arm(subject, trigger === "push" ? pushed(push(1)) : asks(trigger), { installationId });
    },
    /** Pushes to a repository, and waits until its run begins. @returns whether it began at once */
    async startOf(id: number): Promise<boolean> {
      const begun = new Promise<void>((resolve) => listeners.set(keyOf(repository(id)), resolve));
      queue.arm(repository(id), pushed(push(1)), { installationId: id % 5 });
      runner.wake(repository(id));
      const isAtOnce = begunAt.has(keyOf(repository(id)));
      await begun;
      return isAtOnce;
    },
  };
}

/** Fills the queue with everything that waits or hangs, and lets the runner take what it can. */
async function fill(it: ReturnType<typeof running>, clones: number): Promise<void> {
  it.store.transaction(() => {
    for (let id = 100_000; id < 100_000 + clones; id++) {
      it.clones.add(id);
      it.hangs.add(keyOf(repository(id)));
      it.arm(repository(id), 7, id % 2 === 0 ? "onboard" : "push");
    }
    for (let id = 1; id <= 20; id++) {
      it.hangs.add(`installation:${id}`);
      it.arm({ kind: "installation", id }, id, "backstop");
    }
    for (let id = 1_000; id < 2_000; id++) {
      it.arm(repository(id), 8);
      const snapshot = it.queue.begin(repository(id))!;
      // Repository by repository, so that no outage is concluded.
      it.queue.fail(snapshot, silent("unreachable"));
      it.queue.reached({ kind: "git", host: "github.com" });
    }
  });
  it.runner.wake();
  await expect.poll(() => it.runner.subjects().length).toBe(SLOTS.long + SLOTS.list);
}

test("a push starts at once while clones and lists hang, 10,000 wait and 1,000 back off", async () => {
  const it = running();
  await fill(it, 10_000);
  for (let id = 10_000; id < 10_200; id++) {
    expect(await it.startOf(id)).toBe(true);
    await new Promise(setImmediate);
  }
});

test("a push starts after a while although as many mirrored repositories hang as there are short slots", async () => {
  const it = running();
  await fill(it, 100);
  for (let id = 1; id <= SLOTS.short; id++) {
    it.hangs.add(keyOf(repository(id)));
    await it.startOf(id);
  }
  expect(await it.startOf(50)).toBe(false);
  // Those that hang are put back, and wait for a slot of long work without an attempt used up.
  const hanging = () =>
    it.queue
      .list(200)
      .filter(({ subject }) => subject.kind === "repository" && subject.id <= SLOTS.short)
      .map(({ class: workClass, attempt }) => `${workClass} ${attempt}`);
  await expect.poll(hanging).toEqual(["long 0", "long 0", "long 0", "long 0"]);
});

test("a short run that hangs takes a free slot of long work, and goes on", async () => {
  const it = running();
  for (let id = 1; id <= SLOTS.short; id++) {
    it.hangs.add(keyOf(repository(id)));
    await it.startOf(id);
  }
  await it.startOf(50);
  await expect.poll(() => it.runner.subjects().length).toBe(SLOTS.long);
});

test("a retry starts when it is due, beside a clone that does not end", async () => {
  const it = running();
  it.clones.add(1);
  it.hangs.add("repository:1");
  it.arm(repository(1), 7, "onboard");
  it.runner.wake(repository(1));
  it.fails.add("repository:2");
  await it.startOf(2); // Its first wait is half of 2 s.
  const at = it.begunAt.get("repository:2")!;
  it.fails.clear();
  await expect.poll(() => it.begunAt.get("repository:2")! > at).toBe(true);
  expect(it.begunAt.get("repository:2")! - at).toBeGreaterThan(900);
  expect(it.runner.subjects()).toContainEqual(repository(1));
});

test("after an outage the first retry is due within 15 s, and all others with its answer", async () => {
  const it = running();
  const ids = Array.from({ length: 50 }, (_, n) => n + 1);
  for (const id of ids) it.fails.add(keyOf(repository(id)));
  for (const id of ids) it.arm(repository(id), id % 3);
  it.runner.wake();
  await expect.poll(() => it.queue.outages().length).toBe(1);
  const runsOut = it.begunAt.size;
  expect(runsOut).toBeLessThan(10); // The others are not tried while the host is out.
  // The outage lasts for two probes, which begin 1 s and 3 s after it is known.
  const probes = new Set<number>();
  const countProbes = () => {
    probes.add(Math.max(...it.begunAt.values()));
    return probes.size;
  };
  await expect.poll(countProbes).toBe(3);
  it.fails.clear();
  expect(it.queue.outages()[0]!.nextProbeAt).toBeLessThanOrEqual(steadyNow() + 15_000);
  const from = performance.now();
  const isAnswered = () => [...it.begunAt.values()].some((at) => at > from);
  await expect.poll(isAnswered).toBe(true);
  // Any answer ends the outage, as a refresh reports it.
  it.queue.reached({ kind: "git", host: "github.com" });
  it.runner.wake();
  await expect.poll(it.queue.depth).toBe(0);
  expect(it.queue.outages()).toEqual([]);
});
