import { expect, test } from "vitest";
import type { Push } from "../../tools/standin/index.js";
import { compare, force, MAIN, post, refreshed, refusedPush, shown, worldWith } from "../support/history.js";
import type { World } from "../support/world.js";

const ZERO = "0".repeat(40);
const block = { HISTORY: "block" };

test("a forced push and a deletion are refused while another branch goes on", async () => {
  const { world, repo, standin } = await worldWith(block);
  const side = await standin.commit(repo, "side");
  await compare(world, repo);
  const main = await standin.forcePush(repo, "main", force);
  const other = await standin.commit(repo, "other");
  await world.pushed(main, await standin.deleteRef(repo, side.ref), other);
  await world.line(({ event, refs }) => event === "refreshed" && String(refs).includes("other"));
  await compare(world, repo);
  const expected = { [MAIN]: main.before, [side.ref]: side.after, [other.ref]: other.after };
  expect(world.tips(repo)).toEqual(expected);
  const { state, lastError, holds } = await shown(world, repo);
  expect([state, lastError?.code]).toEqual(["failing", "history_blocked"]);
  expect(lastError?.message).toContain(`${MAIN} is held at ${main.before}, GitHub has ${main.after}`);
  const allow = (ref: string, wanted: string) =>
    `POST /api/v1/repos/acme/app/allow ${JSON.stringify({ ref, wanted })}`;
  expect(holds).toMatchObject([
    { ref: MAIN, tip: main.before, wanted: main.after, cause: "blocked", allow: allow(MAIN, main.after) },
    { ref: side.ref, tip: side.after, wanted: ZERO, allow: allow(side.ref, ZERO) },
  ]);
  const begun = world.log.filter(({ level, tip }) => level === "warn" && tip);
  expect(begun).toMatchObject([{ ref: MAIN, allow: allow(MAIN, main.after) }, { ref: side.ref }]);
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
});

test("what is allowed goes through, and its old tip is kept", async () => {
  const { world, repo, standin } = await worldWith(block);
  const push = await refusedPush(world, () => standin.forcePush(repo, "main", force));
  expect(await post(world, repo, "allow?wait=30s", { ref: MAIN })).toMatchObject({
    status: 200,
    body: { repository: { state: "fresh", lastError: null } },
  });
  await world.inStep(repo);
  const { holds, kept } = await shown(world, repo);
  expect([holds, kept.map(({ sha }) => sha)]).toEqual([[], [push.before]]);
  expect(world.log).toContainEqual(
    expect.objectContaining({ level: "info", ref: MAIN, reason: "the change was allowed" }),
  );
});

test("only the value that was reviewed is allowed", async () => {
  const { world, repo, standin } = await worldWith(block);
  const first = await refusedPush(world, () => standin.forcePush(repo, "main", force));
  const outdated = { ref: MAIN, wanted: first.after };
  const second = await standin.forcePush(repo, "main", force);
  // GitHub's ref has moved without a delivery; the refresh finds the missed push.
  const late = await post(world, repo, "allow?wait=30s", outdated);
  expect(late).toMatchObject({ status: 409, body: { reason: "moved_on" } });
  expect(late.body.detail).toContain(second.after);
  const refused = await post(world, repo, "allow", outdated);
  expect(refused).toMatchObject({ status: 409, body: { reason: "moved_on" } });
  expect(refused.body.detail).toContain(second.after);
  expect(await post(world, repo, "allow", { ref: "refs/heads/x" })).toMatchObject({ status: 404 });
  await compare(world, repo);
  expect(world.tips(repo)[MAIN]).toBe(first.before);
  expect((await shown(world, repo)).holds).toMatchObject([{ wanted: second.after }]);
});

test.each([
  ["by name", (world: World, push: Push) => world.pushed(push)],
  ["in full", (world: World, push: Push) => compare(world, push.repo)],
])("a hold ends when GitHub is back at the held tip, %s", async (_, tell) => {
  const { world, repo, standin } = await worldWith(block);
  const push = await refusedPush(world, () => standin.forcePush(repo, "main", force));
  await tell(world, await standin.forcePush(repo, "main", push.before));
  await world.line(({ event }) => event === "hold_ended");
  await compare(world, repo);
  expect(await shown(world, repo)).toMatchObject({
    state: "fresh",
    holds: [],
    heads: { [MAIN]: push.before },
  });
});

test("a hold ends when GitHub's ref is now a descendant of the held tip", async () => {
  const { world, repo, standin } = await worldWith(block);
  const push = await refusedPush(world, () => standin.forcePush(repo, "main", force));
  await standin.forcePush(repo, "main", push.before);
  await world.pushed(await standin.commit(repo, "main"));
  await world.inStep(repo);
  expect((await shown(world, repo)).holds).toEqual([]);
});

test("a held ref follows what GitHub has, and does not move", async () => {
  const { world, repo, standin } = await worldWith(block);
  const push = await refusedPush(world, () => standin.forcePush(repo, "main", force));
  const next = await standin.commit(repo, "main");
  await refreshed(world, () => world.pushed(next));
  expect((await shown(world, repo)).holds).toMatchObject([{ tip: push.before, wanted: next.after }]);
  await refreshed(world, () => world.pushed(push));
  expect((await shown(world, repo)).holds).toMatchObject([{ tip: push.before, wanted: next.after }]);
  expect(world.tips(repo)[MAIN]).toBe(push.before);
});

test("a ref whose name conflicts with a held branch waits with the branch", async () => {
  const { world, repo, standin } = await worldWith(block);
  const first = await standin.commit(repo, "a");
  await compare(world, repo);
  const gone = await standin.deleteRef(repo, first.ref);
  await refreshed(world, async () => world.pushed(gone, await standin.commit(repo, "a/b")));
  await compare(world, repo);
  expect(Object.keys(world.tips(repo))).toEqual([first.ref, MAIN]);
  expect(await post(world, repo, "allow?wait=30s", { ref: first.ref })).toMatchObject({ status: 200 });
  await world.inStep(repo);
});

test("freshness is not claimed while a ref is held", async () => {
  const { world, repo, standin } = await worldWith(block);
  const { lastFullAt } = await shown(world, repo);
  await refusedPush(world, () => standin.forcePush(repo, "main", force));
  await compare(world, repo);
  expect((await shown(world, repo)).lastFullAt).toBe(lastFullAt);
  await post(world, repo, "allow?wait=30s", { ref: MAIN });
  expect(Date.parse((await shown(world, repo)).lastFullAt)).toBeGreaterThan(Date.parse(lastFullAt));
});

test("holds outlive a restart, and end with HISTORY=block", async () => {
  const env: Record<string, string> = { ...block };
  const { world, repo, standin } = await worldWith(env);
  const push = await refusedPush(world, () => standin.forcePush(repo, "main", force));
  await world.stop();
  await world.start();
  await compare(world, repo);
  expect(world.tips(repo)[MAIN]).toBe(push.before);
  expect((await shown(world, repo)).holds).toMatchObject([{ ref: MAIN, wanted: push.after }]);
  await world.stop();
  env.HISTORY = "keep";
  await world.start(repo);
  expect((await shown(world, repo)).holds).toEqual([]);
});

test("a late delivery never turns a ref back, held or not", async () => {
  const { world, repo, standin } = await worldWith(block);
  const first = await standin.commit(repo, "main");
  await world.pushed(first);
  await world.inStep(repo);
  const second = await standin.commit(repo, "main");
  const back = await standin.forcePush(repo, "main", first.after);
  await refreshed(world, () => world.pushed(back));
  await refreshed(world, () => world.pushed(second, first));
  expect(world.tips(repo)[MAIN]).toBe(first.after);
  expect((await shown(world, repo)).holds).toEqual([]);
});
