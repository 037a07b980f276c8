import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ZERO } from "../../src/base/model.js";
import { hook, touch } from "../support/consumers.js";
import { compare } from "../support/history.js";
import { expectTree, published } from "../support/published.js";
import { readEvents } from "../support/sse.js";
import type { World } from "../support/world.js";

const MAIN = "refs/heads/main";

const eventsOf = async (world: World, count: number) =>
  (await readEvents(await world.api("/api/v1/events?after=0"), (all) => all.length === count)).map(
    ({ data }) => data!,
  );

/** A consumer's view: types, refs and commits of all events so far. */
const briefly = (events: Awaited<ReturnType<typeof eventsOf>>) =>
  events.map(({ type, changes, checkouts, refused }) => [
    type,
    ...[...changes, ...checkouts, ...refused].map(({ ref, after }) => `${ref} ${after}`),
  ]);

test("a published tree has an event after that of its ref, and the hook runs once, with the path", async () => {
  const { file, runs, until } = hook();
  const { world, repo, link, push, standin } = await published({ ANNOUNCE_HOOK: file });
  const after = await push({ a: "1" });
  const side = await standin.commit(repo, "side");
  await world.pushed(side);
  await until(() => runs().length === 4);
  const [first, second, third, fourth] = await eventsOf(world, 5);
  const before = second!.checkouts[0]!.after;
  expect(first).toMatchObject({ type: "cloned", checkouts: [] });
  expect(second).toMatchObject({
    type: "published",
    checkouts: [{ ref: MAIN, before: ZERO, after: before, path: link() }],
  });
  expect(third).toMatchObject({
    ...{ type: "changed", publishing: [MAIN], checkouts: [] },
    changes: [{ ref: MAIN, before, after }],
  });
  expect(fourth).toMatchObject({
    ...{ type: "published", changed: 0, changes: [], publishing: [] },
    checkouts: [{ ref: MAIN, before, after, path: link() }],
  });
  expect(runs().map(({ EVENT_TYPE, REF, AFTER, CHECKOUT }) => [EVENT_TYPE, REF, AFTER, CHECKOUT])).toEqual([
    ["cloned", "", ZERO, ""],
    ["published", MAIN, before, link()],
    ["published", MAIN, after, link()],
    ["changed", side.ref, side.after, ""],
  ]);
});

test("a veto has an event of its own, at which the hook runs, and so has the later publish", async () => {
  const gate = hook("! [ -e bad ] || [ -e $DIR/pardon ]");
  const { file, runs, until } = hook();
  const { world, repo, link, push } = await published({ PRE_PUBLISH_HOOK: gate.file, ANNOUNCE_HOOK: file });
  const before = await push({ a: "1" });
  const after = await push({ bad: "1" });
  touch(gate.dir, "pardon");
  await compare(world, repo);
  await until(() => runs().length === 5);
  const events = await eventsOf(world, 7);
  expect(briefly(events.slice(4))).toEqual([
    ["changed", `${MAIN} ${after}`],
    ["refused", `${MAIN} ${after}`],
    ["published", `${MAIN} ${after}`],
  ]);
  expect(events[5]).toMatchObject({ checkouts: [], refused: [{ ref: MAIN, before, after, path: link() }] });
  expect(events[6]).toMatchObject({
    ...{ trigger: "manual", changed: 0, changes: [] },
    checkouts: [{ ref: MAIN, before, after, path: link() }],
  });
  expect(runs()[3]).toMatchObject({ EVENT_TYPE: "refused", REF: MAIN, AFTER: after, CHECKOUT: "" });
  expect(runs()[4]).toMatchObject({
    ...{ EVENT_TYPE: "published", REF: MAIN, BEFORE: before, AFTER: after, CHECKOUT: link() },
  });
});

test("the event of the ref comes while the pre-publish hook still runs", async () => {
  const gate = hook('while [ -e "$DIR/block" ]; do sleep 0.05; done');
  const { world, repo, standin } = await published({ PRE_PUBLISH_HOOK: gate.file });
  touch(gate.dir, "block");
  const push = await standin.commit(repo, "main", { files: { a: "2" } });
  await world.pushed(push);
  const events = await eventsOf(world, 3);
  expect(briefly(events)[2]).toEqual(["changed", `${MAIN} ${push.after}`]);
  rmSync(join(gate.dir, "block"));
  expect(briefly(await eventsOf(world, 4))[3]).toEqual(["published", `${MAIN} ${push.after}`]);
});

test("refresh?wait answers once the tree is published, too", async () => {
  const gate = hook('while [ -e "$DIR/block" ]; do sleep 0.05; done');
  const { world, repo, standin, link } = await published({ PRE_PUBLISH_HOOK: gate.file });
  touch(gate.dir, "block");
  const push = await standin.commit(repo, "main", { files: { a: "2" } });
  const waiting = compare(world, repo);
  await world.line(({ event, changed }) => event === "refreshed" && changed === 1);
  await world.inStep(repo);
  rmSync(join(gate.dir, "block"));
  await waiting;
  expectTree(world, repo, link(), push.after);
});

test("in=checkout waits for the published tree, not for the mirror", async () => {
  const gate = hook('while [ -e "$DIR/block" ]; do sleep 0.05; done');
  const { world, repo, standin, link, push } = await published({ PRE_PUBLISH_HOOK: gate.file });
  const old = await push({ a: "1" });
  const contains = async (sha: string, query: string) =>
    (await world.api(`/api/v1/repos/acme/app/contains/${sha}${query}`)).status;
  expect(await contains(old, "?in=checkout")).toBe(200);
  touch(gate.dir, "block");
  const next = await standin.commit(repo, "main", { files: { a: "2" } });
  await world.pushed(next);
  expect(await contains(next.after, "?wait=30s")).toBe(200);
  expect(await contains(next.after, "?in=checkout")).toBe(408);
  const waiting = contains(next.after, "?in=checkout&wait=30s");
  rmSync(join(gate.dir, "block"));
  expect(await waiting).toBe(200);
  expectTree(world, repo, link(), next.after);
});
