import { onTestFinished } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { keyOf, type RefreshRequest, type Subject, type Trigger } from "../../src/base/model.js";
import { type Slots, WORK_CLASSES, type WorkClass } from "../../src/queue/classes.js";
import type { Snapshot } from "../../src/queue/contract.js";
import { createRunner, type Runs } from "../../src/queue/runner.js";
import { createStandBy } from "../../src/queue/stand-by.js";
import { asks, openQueue, push, pushed } from "./queue.js";

export { repository } from "./queue.js";

const SLOTS: Slots = { short: 4, long: 2, list: 2, publish: 2 };

/** Makes a runner whose runs end when the test says so. The queue's clock goes on while the queue drains. */
export function controlled(slots: Partial<Slots> = {}) {
  /** The classes of work for which the disk has room. */
  const room = new Set<WorkClass>(WORK_CLASSES);
  const { queue, clock, clones } = openQueue({
    random: () => 0,
    hasRoom: (workClass) => room.has(workClass),
  });
  const all = { ...SLOTS, ...slots };
  const runs: RefreshRequest[] = [];
  const open = new Map<string, () => void>();
  const failures = new Map<string, () => void>();
  const atOnce = new Map<string, number>();
  const active: Runs = new Map();
  let refuses = false;
  const runner = createRunner(
    queue,
    all,
    {
      run({ request, subject }: Snapshot, signal) {
        const key = keyOf(subject);
        runs.push(request);
        atOnce.set(key, (atOnce.get(key) ?? 0) + 1);
        return new Promise<void>((resolve, reject) => {
          open.set(key, resolve);
          failures.set(key, () => reject(new RefreshError("git", "failed")));
          signal.addEventListener("abort", () => reject(new Error("aborted")));
        });
      },
      settle(snapshot, error) {
        const key = keyOf(snapshot.subject);
        open.delete(key);
        failures.delete(key);
        atOnce.set(key, atOnce.get(key)! - 1);
        if (refuses) {
          refuses = false;
          throw new Error("the disk is full");
        }
        if (error) queue.fail(snapshot, error);
        else queue.succeed(snapshot);
      },
      onFault(error) {
        if (!String(error).includes("the disk is full")) throw error;
        clock.now += 60_000;
      },
    },
    active,
  );
  const standBy = createStandBy(active);
  standBy.onFreed(runner.slotFreed);
  onTestFinished(() => runner.stop(0));
  const turn = () => new Promise<void>((resolve) => setImmediate(() => setTimeout(resolve, 0)));
  return {
    runs,
    open,
    clones,
    room,
    clock,
    runner,
    standBy,
    queue,
    turn,
    trigger(subject: Subject, n: number, kind: Trigger = "push") {
      queue.arm(subject, kind === "push" && subject.kind === "repository" ? pushed(push(n)) : asks(kind));
      runner.wake(subject);
    },
    fail: (key: string) => failures.get(key)?.(),
    /** The end of the next run cannot be stored. */
    refuseNext() {
      refuses = true;
    },
    mostAtOnce: () => Math.max(0, ...atOnce.values()),
    /** Returns the classes with more runs than slots. */
    exceeded: () =>
      Object.entries(all).filter(
        ([workClass, most]) => [...active.values()].filter((run) => run.class === workClass).length > most,
      ),
    async drain() {
      while (queue.depth() > 0) {
        for (const end of [...open.values()]) end();
        clock.now += 10_000;
        runner.wake();
        await turn();
      }
    },
  };
}
