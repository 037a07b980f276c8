import { expect, test } from "vitest";
import { BACKLOG_TABLES, createBacklog } from "../../src/announce/backlog.js";
import { MAX_CHANGES } from "../../src/announce/intents.js";
import { createOutbox } from "../../src/announce/outbox.js";
import { OUTBOX_TABLES } from "../../src/announce/outbox-sql.js";
import { ZERO } from "../../src/base/model.js";
import { openStore } from "../../src/store/database.js";
import { afterThis } from "../support/listen.js";
import { sha } from "../support/queue.js";
import { tempDir } from "../support/temp.js";

const APP = { id: 7, owner: "acme", name: "app" };
const MAIN = "refs/heads/main";
const SIDE = "refs/heads/side";
const step = (n: number, ref = MAIN) => ({ ref, before: sha(n - 1), after: sha(n) });

function setUp() {
  const store = openStore(tempDir(), [OUTBOX_TABLES, BACKLOG_TABLES]);
  afterThis(async () => store.close());
  const clock = { now: 1_000_000 };
  const now = () => clock.now;
  const outbox = createOutbox({ store, now, mirrorOf: (id) => `/data/${id}` });
  const backlog = createBacklog(store, now);
  const all = () => outbox.after(0, 100, null);
  const announced = () => all().flatMap(({ changes }) => changes.map(({ ref, after }) => [ref, after]));
  return { store, outbox, backlog, clock, all, announced };
}

test("the changes of one pass are one event, with everything a consumer needs", async () => {
  const { outbox, all } = setUp();
  await outbox.intend(7, "push", [step(1)]);
  await outbox.intend(7, "push", [step(5, SIDE)]);
  expect(all()).toEqual([]);
  expect(outbox.owesEvents(7)).toBe(true);
  expect(outbox.publish(APP, "push")).toEqual([1]);
  expect(outbox.owesEvents(7)).toBe(false);
  expect(all()).toEqual([
    {
      ...{ id: 1, type: "changed", at: "1970-01-01T00:16:40.000Z", repository: APP, trigger: "push" },
      ...{ changed: 2, truncated: false, changes: [step(1), step(5, SIDE)], publishing: [] },
      ...{ version: 1, checkouts: [], refused: [], attributes: null, holds: [], reason: null },
      mirror: "/data/7",
    },
  ]);
  expect(outbox.publish(APP, "push")).toEqual([]);
  expect(outbox.inDoubt(7)).toBe(false);
});

test("of an interrupted pass only changes that the mirror has are announced, before later ones", async () => {
  const { outbox, announced } = setUp();
  await outbox.intend(7, "push", [
    step(1),
    step(5, SIDE),
    { ref: "refs/heads/old", before: sha(9), after: ZERO },
  ]);
  expect(outbox.inDoubt(7)).toBe(true);
  outbox.resolve(7, new Map([[MAIN, sha(1)]]));
  expect(outbox.inDoubt(7)).toBe(false);
  await outbox.intend(7, "backstop", [step(2)]);
  expect(outbox.publish(APP, "push")).toEqual([1, 2]);
  expect(announced()).toEqual([
    [MAIN, sha(1)],
    ["refs/heads/old", ZERO],
    [MAIN, sha(2)],
  ]);
});

test("a change that took effect stays recorded, wherever its ref moves before a refresh ends", async () => {
  const { outbox, announced } = setUp();
  for (const n of [1, 2, 3]) {
    await outbox.intend(7, "push", [step(n)]);
    outbox.resolve(7, new Map([[MAIN, sha(n)]]));
  }
  outbox.publish(APP, "push");
  expect(announced()).toEqual([1, 2, 3].map((n) => [MAIN, sha(n)]));
});

test("a change whose outcome cannot be determined counts as done", async () => {
  const { outbox, announced } = setUp();
  await outbox.intend(7, "push", [step(1)]);
  outbox.resolve(7, null);
  outbox.publish(APP, "push");
  expect(announced()).toEqual([[MAIN, sha(1)]]);
});

test("a first clone is one event without refs; a rebuild lists what differs", () => {
  const { outbox, all } = setUp();
  outbox.intendClone(7, "onboard");
  outbox.intendClone(7, "onboard"); // the first clone failed
  outbox.cloned(7, [{ ref: MAIN, before: ZERO, after: sha(1) }], true);
  outbox.publish(APP, "push");
  outbox.intendClone(7, "push");
  outbox.cloned(7, [step(2)], false);
  outbox.publish(APP, "push");
  outbox.intendClone(7, "push");
  outbox.cloned(7, [], false);
  outbox.publish(APP, "push");
  expect(all()).toMatchObject([
    { type: "cloned", changed: 1, truncated: true, changes: [] },
    { type: "changed", changed: 1, truncated: false, changes: [step(2)] },
  ]);
});

test("after a kill right after the clone, the next pass announces the clone", () => {
  const { outbox, all } = setUp();
  outbox.intendClone(7, "onboard");
  outbox.resolve(7, new Map([[MAIN, sha(1)]]));
  outbox.publish(APP, "push");
  expect(all()).toMatchObject([{ type: "cloned", changed: 1, changes: [] }]);
});

test("a long list of changes is cut, and still counts as done", async () => {
  const { outbox, all } = setUp();
  const many = Array.from({ length: MAX_CHANGES + 5 }, (_, n) => step(n + 1, `refs/heads/${n}`));
  await outbox.intend(7, "backstop", many);
  outbox.resolve(7, new Map());
  outbox.publish(APP, "push");
  const [event] = all();
  expect(event).toMatchObject({ changed: MAX_CHANGES + 5, truncated: true });
  expect(event?.changes).toHaveLength(MAX_CHANGES);
});

test("each consumer gets a repository's events in order, independently of the others", async () => {
  const { outbox, backlog, clock } = setUp();
  for (const n of [1, 2]) {
    await outbox.intend(7, "push", [step(n)]);
    const [first] = outbox.publish(APP, "push");
    for (const consumer of ["a", "b"]) backlog.add(consumer, 7, first!);
  }
  const at = backlog.position("a", 7)!;
  expect(at).toEqual({ repositoryId: 7, eventId: 1, part: 0, attempt: 0 });
  backlog.markPartAccepted("a", at);
  expect(backlog.position("a", 7)).toMatchObject({ eventId: 1, part: 1 });
  backlog.markAccepted("a", at);
  expect(backlog.position("a", 7)).toMatchObject({ eventId: 2, part: 0 });
  backlog.markAccepted("a", backlog.position("a", 7)!);
  expect([backlog.position("a", 7), backlog.due("a", 9, new Set())]).toEqual([null, []]);
  expect(backlog.lag("a")).toEqual({
    pending: 0,
    repositories: 0,
    oldestAt: null,
    lastError: null,
    dropped: 0,
  });
  backlog.failed("b", backlog.position("b", 7)!, clock.now + 50, "it answered 500");
  expect([backlog.due("b", 9, new Set()), backlog.nextDueIn("b", new Set())]).toEqual([[], 50]);
  // A time that was stored while the clock was a day ahead delays nothing.
  clock.now -= 86_400_000;
  expect([backlog.due("b", 9, new Set()), backlog.nextDueIn("b", new Set())]).toEqual([[7], 0]);
  clock.now += 86_400_000;
  expect(backlog.lag("b")).toEqual({
    ...{ pending: 2, repositories: 1, oldestAt: 1_000_000, dropped: 0 },
    lastError: { message: "it answered 500", at: 1_000_000 },
  });
  clock.now += 50;
  expect(backlog.due("b", 9, new Set())).toEqual([7]);
  expect(backlog.due("b", 9, new Set([7]))).toEqual([]);
  backlog.keepOnly(["a"]);
  expect(backlog.lag("b").pending).toBe(0);
});

test("events that grow too old are dropped and counted; later ones are still announced", async () => {
  const { outbox, backlog, clock } = setUp();
  for (const n of [1, 2, 3]) {
    clock.now = n * 1000;
    await outbox.intend(7, "push", [step(n)]);
    const [first] = outbox.publish(APP, "push");
    backlog.add("a", 7, first!);
  }
  const before = backlog.position("a", 7)!;
  expect(backlog.dropSome("a", 2500, 10)).toEqual({ repositories: 1, events: 2 });
  expect(backlog.dropSome("a", 2500, 10)).toEqual({ repositories: 0, events: 0 });
  expect([outbox.pruneEvents(2500, 1), outbox.pruneEvents(2500, 10)]).toEqual([1, 1]);
  expect(outbox.pruneIntents(2500, 10)).toBe(0);
  // A delivery that was running does not affect the event that is next now.
  backlog.markPartAccepted("a", before);
  expect(backlog.position("a", 7)).toEqual({ repositoryId: 7, eventId: 3, part: 0, attempt: 0 });
  expect(backlog.lag("a")).toMatchObject({ pending: 1, dropped: 2 });
  expect(outbox.bounds()).toEqual({ oldest: 3, newest: 3 });
  clock.now = 9000;
  backlog.dropSome("a", 9000, 10);
  outbox.pruneEvents(9000, 10);
  expect(outbox.bounds()).toEqual({ oldest: 0, newest: 3 });
  await outbox.intend(7, "push", [step(4)]);
  expect(outbox.publish(APP, "push")).toEqual([4]);
});

test("published trees are announced after the change that brought their commit, never before", async () => {
  const { outbox, all } = setUp();
  const tree = (n: number) => ({ ...step(n), path: "/data/checkouts/acme/app" });
  await outbox.intend(7, "push", [step(2)]);
  outbox.published(7, tree(1));
  outbox.published(7, tree(2));
  outbox.published(7, { ...tree(3), after: sha(2) });
  expect(outbox.publishTrees(APP, "push")).toEqual([]);
  expect(outbox.publish(APP, "push", [MAIN, "refs/heads/other"])).toEqual([1, 2]);
  outbox.published(7, tree(3));
  outbox.published(8, tree(9));
  expect(outbox.publishTrees(APP, "manual")).toEqual([3]);
  expect(outbox.publishTrees(APP, "manual")).toEqual([]);
  expect(
    all().map(({ type, trigger, publishing, checkouts }) => ({ type, trigger, publishing, checkouts })),
  ).toEqual([
    { type: "changed", trigger: "push", publishing: [MAIN], checkouts: [] },
    { type: "published", trigger: "push", publishing: [], checkouts: [{ ...tree(2), before: sha(0) }] },
    { type: "published", trigger: "manual", publishing: [], checkouts: [tree(3)] },
  ]);
});

test("a refusal is announced after the published trees, unless its commit was published after all", () => {
  const { outbox, all } = setUp();
  const [app, docs] = ["app", "docs"].map((name) => ({ ...step(1), path: `/data/checkouts/acme/${name}` }));
  outbox.refused(7, app!);
  outbox.refused(7, docs!);
  outbox.published(7, app!);
  expect(outbox.publishTrees(APP, "push")).toEqual([1, 2]);
  expect(all().map(({ type, checkouts, refused }) => ({ type, checkouts, refused }))).toEqual([
    { type: "published", checkouts: [app], refused: [] },
    { type: "refused", checkouts: [], refused: [docs] },
  ]);
});

test("a tree that is back at its old commit is not announced", () => {
  const { outbox } = setUp();
  const path = "/data/checkouts/acme/app";
  outbox.published(7, { ...step(1), path });
  outbox.published(7, { ref: MAIN, before: sha(1), after: sha(0), path });
  expect(outbox.publish(APP, "push")).toEqual([]);
});

test("an intent shares the sync of what else comes, and its promise waits for it", async () => {
  const { store, outbox } = setUp();
  const order: string[] = [];
  const delivery = store.inGroup(() => void order.push("delivery written"));
  const intent = outbox.intend(7, "push", [step(1)]);
  expect(outbox.inDoubt(7)).toBe(false);
  await Promise.all([
    delivery.then(() => order.push("delivery on disk")),
    intent.then(() => order.push("intent on disk")),
  ]);
  expect(order).toEqual(["delivery written", "delivery on disk", "intent on disk"]);
  expect(outbox.inDoubt(7)).toBe(true);
});
