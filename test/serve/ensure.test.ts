import { expect, test } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { createSignal } from "../../src/base/signal.js";
import type { Snapshot } from "../../src/queue/contract.js";
import { createEnsure } from "../../src/serve/ensure.js";
import { openQueue, push, pushed, repository, sha } from "../support/queue.js";

const ID = 7;
const SUBJECT = repository(ID);
const never = new AbortController().signal;

/** A real queue, and a mirror of which only the tips are known. */
function serving({ patienceMs = 60_000, quietPeriodMs = 0 } = {}) {
  const { queue, clock } = openQueue({ quietPeriodMs });
  const tips = new Map<string, string>();
  const state = { hasGivenUp: false };
  const moved = createSignal<[id: number, changes: { ref: string; after: string }[]]>();
  const settled = createSignal<[id: number, result: "done" | "failed"]>();
  const ensure = createEnsure(
    {
      reported: (id) => queue.reported(repository(id)),
      hasGivenUp: () => state.hasGivenUp,
      tip: async (_, ref) => tips.get(ref) ?? sha(0),
      hurry: (id) => void queue.endQuiet(repository(id)),
      onMoved: moved.on,
      onSettled: settled.on,
    },
    patienceMs,
  );
  let answers: boolean[] = [];
  return {
    queue,
    clock,
    state,
    /** Waits as a reader does. */
    ask: () => ensure(ID, never).then((isFresh) => void answers.push(isFresh)),
    answers: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return answers.splice(0);
    },
    move(ref: string, tip: string) {
      tips.set(ref, tip);
      moved.emit(ID, [{ ref, after: tip }]);
    },
    succeed(run: Snapshot) {
      queue.succeed(run);
      settled.emit(ID, "done");
    },
    fail(run: Snapshot, error = new RefreshError("upstream_error", "x")) {
      if (queue.fail(run, error) === null) state.hasGivenUp = true;
      settled.emit(ID, "failed");
    },
    clear: () => {
      answers = [];
    },
  };
}

test("a reader waits for nothing when GitHub has reported nothing", async () => {
  const { ask, answers, queue } = serving();
  queue.arm(SUBJECT, { trigger: "backstop", hints: [], full: true });
  void ask();
  expect(await answers()).toEqual([true]);
});

test("a reader waits until the reported push has moved its ref, not until the run ends", async () => {
  const { ask, answers, queue, move } = serving();
  queue.arm(SUBJECT, pushed(push(1)));
  void ask();
  expect(await answers()).toEqual([]);
  queue.begin(SUBJECT);
  move("refs/heads/main", sha(1));
  expect(await answers()).toEqual([true]);
  // The run has moved the ref, and has not ended.
  void ask();
  expect(await answers()).toEqual([true]);
});

test("pushes that come later delay no reader", async () => {
  const { ask, answers, queue, move } = serving();
  queue.arm(SUBJECT, pushed(push(1)));
  void ask();
  queue.arm(SUBJECT, pushed(push(2, "refs/heads/next")));
  move("refs/heads/main", sha(1));
  expect(await answers()).toEqual([true]);
});

test("a run that began before a push was reported does not stand for it, and the next one does", async () => {
  const { ask, answers, queue, move, succeed } = serving();
  queue.arm(SUBJECT, pushed(push(1)));
  const early = queue.begin(SUBJECT)!;
  queue.arm(SUBJECT, pushed(push(2)));
  void ask();
  move("refs/heads/main", sha(1));
  expect(await answers()).toEqual([]);
  succeed(early);
  expect(await answers()).toEqual([]);
  queue.arm(SUBJECT, pushed(push(3)));
  queue.begin(SUBJECT);
  move("refs/heads/main", sha(3));
  expect(await answers()).toEqual([true]);
});

test("an early run that brings the newest push of all is waited for no longer", async () => {
  const { ask, answers, queue, move } = serving();
  queue.arm(SUBJECT, pushed(push(1)));
  queue.begin(SUBJECT);
  queue.arm(SUBJECT, pushed(push(2)));
  void ask();
  queue.arm(SUBJECT, pushed(push(3)));
  move("refs/heads/main", sha(3));
  expect(await answers()).toEqual([true]);
});

test("a run that finds nothing to move is an answer, too", async () => {
  const { ask, answers, queue, succeed } = serving();
  queue.arm(SUBJECT, pushed(push(1)));
  const run = queue.begin(SUBJECT)!;
  void ask();
  expect(await answers()).toEqual([]);
  succeed(run);
  expect(await answers()).toEqual([true]);
});

test("a delivery whose refs are not known needs a comparison that begins after it", async () => {
  const { ask, answers, queue, succeed } = serving();
  queue.arm(SUBJECT, pushed(push(1)));
  const first = queue.begin(SUBJECT)!;
  queue.arm(SUBJECT, { trigger: "push", hints: [], full: true }, { deliveryId: "x" });
  void ask();
  succeed(first);
  expect(await answers()).toEqual([]);
  succeed(queue.begin(SUBJECT)!);
  expect(await answers()).toEqual([true]);
});

test("a reader who has waited too long, or whose refresh backs off, is answered by GitHub", async () => {
  const { ask, queue, answers, fail, clock } = serving({ patienceMs: 1 });
  queue.arm(SUBJECT, pushed(push(1)));
  await ask();
  expect(await answers()).toEqual([false]);
  for (let tries = 0; tries < 6; tries++) {
    clock.now += 600_000;
    queue.promote();
    fail(queue.begin(SUBJECT)!);
  }
  void ask();
  expect(await answers()).toEqual([false]);
});

test("a reader ends the wait for a quiet moment", async () => {
  const { ask, queue } = serving({ quietPeriodMs: 30_000 });
  queue.arm(SUBJECT, pushed(push(1)));
  expect(queue.begin(SUBJECT)).toBe(null);
  void ask();
  expect(queue.begin(SUBJECT)).not.toBe(null);
});

test("a refresh that failed for good, before or while a reader waits, has GitHub answer", async () => {
  const { ask, queue, answers, fail } = serving();
  queue.arm(SUBJECT, pushed(push(1)));
  const run = queue.begin(SUBJECT)!;
  void ask();
  fail(run, new RefreshError("foreign", "x"));
  expect([await answers(), queue.reported(SUBJECT)]).toEqual([[false], null]);
  void ask();
  expect(await answers()).toEqual([false]);
});

test("a ref that is held has GitHub answer, though the run has succeeded", async () => {
  const { ask, queue, answers, succeed, state } = serving();
  queue.arm(SUBJECT, pushed(push(1)));
  const run = queue.begin(SUBJECT)!;
  void ask();
  state.hasGivenUp = true;
  succeed(run);
  expect(await answers()).toEqual([false]);
});

test("what GitHub asked to leave alone, or a server that is out, has GitHub answer at once", async () => {
  const { ask, queue, answers } = serving();
  queue.arm(SUBJECT, pushed(push(1)));
  const limited = { retryAfterMs: 60_000, resource: { kind: "git", host: "github.com" } } as const;
  queue.fail(queue.begin(SUBJECT)!, new RefreshError("rate_limited", "x", limited));
  void ask();
  expect(await answers()).toEqual([false]);
});

test("a push that GitHub's replicas do not show for long has GitHub answer, unless the mirror has it", async () => {
  const { ask, queue, answers, move } = serving();
  queue.arm(SUBJECT, pushed(push(1)));
  const left = { refs: ["refs/heads/main"], full: false, dueInMs: 60_000, isBehind: true };
  queue.keep(queue.begin(SUBJECT)!, left);
  void ask();
  expect(await answers()).toEqual([false]);
  move("refs/heads/main", sha(1));
  void ask();
  expect(await answers()).toEqual([true]);
});
