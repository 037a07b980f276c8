import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createReleasers } from "../../src/base/releasers.js";
import { nextTurn } from "../../src/base/slices.js";

const SOON = { deadlineMs: 50 };
const never = () => new Promise(() => {});

/** Returns releasers, and the names of what was released, in order. */
function setUp() {
  const releasers = createReleasers();
  const ended: string[] = [];
  const add = (name: string, release: () => unknown = () => {}) =>
    releasers.add(name, async () => {
      ended.push(name);
      await release();
    });
  return { releasers, ended, add };
}

const failureOf = (pending: Promise<void>) =>
  pending.then(() => null).catch((error: AggregateError) => error);

describe("a release", () => {
  test("runs the last first, one after the other", async () => {
    const { releasers, ended, add } = setUp();
    add("store");
    add("gateway", () => nextTurn());
    add("runner", () => nextTurn().then(nextTurn));
    await releasers.release({ deadlineMs: 10_000 });
    expect(ended).toEqual(["runner", "gateway", "store"]);
  });

  test("goes on after one that fails, and reports each failure with its name and cause", async () => {
    const { releasers, ended, add } = setUp();
    const disk = new Error("the disk is full");
    add("store", () => Promise.reject(disk));
    add("gateway");
    releasers.add("runner", () => {
      throw new Error("it is stuck");
    });
    const failure = await failureOf(releasers.release({ deadlineMs: 10_000 }));
    expect(ended).toEqual(["gateway", "store"]);
    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure?.message).toBe("runner: it is stuck; store: the disk is full");
    expect(failure?.errors[1].cause).toBe(disk);
  });

  test("leaves one that hangs at the deadline, which is one for all, and begins the others", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const { releasers, ended, add } = setUp();
    add("store");
    add("slow", never);
    add("hangs", never);
    const failed = failureOf(releasers.release({ deadlineMs: 10_000 }));
    await vi.advanceTimersByTimeAsync(9_999);
    expect(ended).toEqual(["hangs"]);
    // The others get no time of their own.
    await vi.advanceTimersByTimeAsync(5);
    const failure = await failed;
    expect(ended).toEqual(["hangs", "slow", "store"]);
    expect(failure?.message).toBe("hangs: it did not finish in time; slow: it did not finish in time");
  });

  test("is made once, however often it is asked for", async () => {
    const { releasers, ended, add } = setUp();
    add("store", () => Promise.reject(new Error("no")));
    const both = [releasers.release(SOON), releasers.release(SOON)].map(failureOf);
    expect((await Promise.all(both)).map((failure) => failure?.message)).toEqual(["store: no", "store: no"]);
    expect(ended).toEqual(["store"]);
  });

  test("leaves no timer behind", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    const { releasers, add } = setUp();
    add("store");
    await releasers.release({ deadlineMs: 3_600_000 });
    expect(timers()).toBeLessThanOrEqual(before);
  });
});

describe("what is added", () => {
  test("during a release is next in turn", async () => {
    const { releasers, ended, add } = setUp();
    add("store");
    add("runner", () => add("late"));
    await releasers.release(SOON);
    expect(ended).toEqual(["runner", "late", "store"]);
  });

  test("after a release is released at once, and the next call reports its failure", async () => {
    const { releasers, ended, add } = setUp();
    await releasers.release(SOON);
    add("late", () => Promise.reject(new Error("no")));
    expect((await failureOf(releasers.release(SOON)))?.message).toBe("late: no");
    expect(ended).toEqual(["late"]);
  });
});
