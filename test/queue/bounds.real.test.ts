import { expect, onTestFinished, test } from "vitest";
import { keyOf, type Subject } from "../../src/base/model.js";
import type { Slots } from "../../src/queue/classes.js";
import { createEmbeddedQueue } from "../../src/queue/embedded.js";
import { createRunner } from "../../src/queue/runner.js";
import { QUEUE_TABLES } from "../../src/queue/tables.js";
import { openStore } from "../../src/store/database.js";
import { asks, push, pushed, repository, silent } from "../support/queue.js";
import { tempDir } from "../support/temp.js";

/** A busy machine may take the processor away for once; a queue that is too slow fails each time. */
const BOUND = { retry: 2, timeout: 180_000 };

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
    /** Pushes to a repository. @returns how long the start of its run took, in milliseconds */
    async startOf(id: number): Promise<number> {
      const at = performance.now();
      const begun = new Promise<void>((resolve) => listeners.set(keyOf(repository(id)), resolve));
      queue.arm(repository(id), pushed(push(1)), { installationId: id % 5 });
      runner.wake(repository(id));
      await begun;
      return performance.now() - at;
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

const percentile99 = (values: number[]): number =>
  values.sort((a, b) => a - b)[Math.floor(values.length * 0.99)]!;

test(
  "a push starts within 50 ms while clones and lists hang, 10,000 wait and 1,000 back off",
  BOUND,
  async () => {
    const it = running();
    await fill(it, 10_000);
    const times: number[] = [];
    for (let id = 10_000; id < 10_200; id++) {
      times.push(await it.startOf(id));
      await new Promise(setImmediate);
    }
    expect(percentile99(times)).toBeLessThan(50);
  },
);

test(
  "a push starts within 6 s while as many mirrored repositories hang as there are short slots",
  BOUND,
  async () => {
    const it = running();
    await fill(it, 100);
    for (let id = 1; id <= SLOTS.short; id++) {
      it.hangs.add(keyOf(repository(id)));
      await it.startOf(id);
    }
    expect(await it.startOf(50)).toBeLessThan(6_000);
    // Those that hang are put back, and wait for a slot of long work without an attempt used up.
    const hanging = () =>
      it.queue
        .list(200)
        .filter(({ subject }) => subject.kind === "repository" && subject.id <= SLOTS.short)
        .map(({ class: workClass, attempt }) => `${workClass} ${attempt}`);
    await expect.poll(hanging, { timeout: 5_000 }).toEqual(["long 0", "long 0", "long 0", "long 0"]);
  },
);

test("a short run that hangs takes a free slot of long work, and goes on", BOUND, async () => {
  const it = running();
  for (let id = 1; id <= SLOTS.short; id++) {
    it.hangs.add(keyOf(repository(id)));
    await it.startOf(id);
  }
  expect(await it.startOf(50)).toBeLessThan(6_000);
  await expect.poll(() => it.runner.subjects().length, { timeout: 5_000 }).toBe(SLOTS.long);
});

test("a retry that is due in 1 s starts within 1.2 s beside a long clone", BOUND, async () => {
  const it = running();
  it.clones.add(1);
  it.hangs.add("repository:1");
  it.arm(repository(1), 7, "onboard");
  it.runner.wake(repository(1));
  it.fails.add("repository:2");
  await it.startOf(2); // Its first wait is half of 2 s.
  const at = it.begunAt.get("repository:2")!;
  it.fails.clear();
  await expect.poll(() => it.begunAt.get("repository:2")! > at, { timeout: 5_000 }).toBe(true);
  expect(it.begunAt.get("repository:2")! - at).toBeGreaterThan(900);
  expect(it.begunAt.get("repository:2")! - at).toBeLessThan(1_200);
});

test("after an outage the first retry comes within 15 s, and the rest at once", BOUND, async () => {
  const it = running();
  const ids = Array.from({ length: 50 }, (_, n) => n + 1);
  for (const id of ids) it.fails.add(keyOf(repository(id)));
  for (const id of ids) it.arm(repository(id), id % 3);
  it.runner.wake();
  await expect.poll(() => it.queue.outages().length, { timeout: 5_000 }).toBe(1);
  const runsOut = it.begunAt.size;
  expect(runsOut).toBeLessThan(10); // The others are not tried while the host is out.
  // The outage lasts for two probes, which begin 1 s and 3 s after it is known.
  const probes = new Set<number>();
  const countProbes = () => {
    probes.add(Math.max(...it.begunAt.values()));
    return probes.size;
  };
  await expect.poll(countProbes, { timeout: 8_000 }).toBe(3);
  it.fails.clear();
  const from = performance.now();
  await expect
    .poll(
      () => {
        // Any answer ends the outage, as a refresh reports it.
        if ([...it.begunAt.values()].some((at) => at > from))
          it.queue.reached({ kind: "git", host: "github.com" });
        it.runner.wake();
        return it.queue.depth();
      },
      { timeout: 17_000 },
    )
    .toBe(0);
  expect(performance.now() - from).toBeLessThan(16_000);
});
