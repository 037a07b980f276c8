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

test("an event names the trees that moved with the refs, and the hook gets the path", async () => {
  const { file, runs, until } = hook();
  const { world, link, push } = await published({ ANNOUNCE_HOOK: file });
  const after = await push({ a: "1" });
  await until(() => runs().length === 2);
  const [first, second] = await eventsOf(world, 2);
  const before = first!.checkouts[0]!.after;
  expect(first).toMatchObject({
    type: "cloned",
    checkouts: [{ ref: MAIN, before: ZERO, after: before, path: link() }],
  });
  expect(second).toMatchObject({
    type: "changed",
    changes: [{ ref: MAIN, before, after }],
    checkouts: [{ ref: MAIN, before, after, path: link() }],
  });
  expect(runs()[1]).toMatchObject({ REF: MAIN, CHECKOUT: link() });
});

test("a tree that is published later than its ref moved has its own event", async () => {
  const gate = hook("! [ -e bad ] || [ -e $DIR/pardon ]");
  const { file, runs, until } = hook();
  const { world, repo, link, push } = await published({ PRE_PUBLISH_HOOK: gate.file, ANNOUNCE_HOOK: file });
  const before = await push({ a: "1" });
  const after = await push({ bad: "1" });
  touch(gate.dir, "pardon");
  await compare(world, repo);
  await until(() => runs().length === 4);
  const [, , vetoed, late] = await eventsOf(world, 4);
  expect(vetoed).toMatchObject({ type: "changed", changes: [{ after }], checkouts: [] });
  expect(late).toMatchObject({
    ...{ type: "published", trigger: "manual", changed: 0, changes: [] },
    checkouts: [{ ref: MAIN, before, after, path: link() }],
  });
  expect(runs()[3]).toMatchObject({
    ...{ EVENT_TYPE: "published", REF: MAIN, BEFORE: before, AFTER: after, CHECKOUT: link() },
  });
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
