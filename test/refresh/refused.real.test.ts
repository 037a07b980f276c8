import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { byHand, bytesOfRefs, hasEveryByte, looseCommit, packRef, setRefs } from "../support/ref-bytes.js";
import { untilState } from "../support/state.js";
import { World } from "../support/world.js";

const LONG = `refs/heads/${"l".repeat(251)}`;
const LONG_BYTES = `refs/heads/${"\xe9".repeat(251)}`;
const LONGEST = `refs/heads/${"m".repeat(250)}`;

test("a name too long for a lock is left out of a clone and named; all others follow their pushes", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  const commit = looseCommit(repo.dir, "one");
  for (const ref of [LONG, LONG_BYTES, LONGEST]) packRef(repo.dir, ref, commit);
  await world.start();
  await hasEveryByte(world, repo, [LONG, LONG_BYTES]);
  const escaped = LONG_BYTES.replaceAll("\xe9", "\\351");
  const { lastError } = await untilState(world, "acme/app", ({ state }) => state === "incomplete");
  expect(lastError.code).toBe("ref_refused");
  for (const ref of [LONG, escaped]) expect(lastError.message).toContain(ref);

  await world.pushed(await world.standin.commit(repo, "main"));
  await hasEveryByte(world, repo, [LONG, LONG_BYTES]);
  await untilState(
    world,
    "acme/app",
    ({ state, queued, running }) => state === "incomplete" && !queued && !running,
  );
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
});

test("a name too long for a lock that appears later is left out until it is gone", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  packRef(repo.dir, LONG, looseCommit(repo.dir, "one"));
  await world.standin.commit(repo, "missed");
  world.sweep();
  await hasEveryByte(world, repo, [LONG]);
  await untilState(world, "acme/app", ({ state }) => state === "incomplete");
  const line = await world.line(({ event }) => event === "refs_refused");
  expect(line).toMatchObject({ refused: 1, refs: [{ ref: LONG }] });
  rmSync(join(repo.dir, "packed-refs"));
  setRefs(repo.dir, bytesOfRefs(world.mirror(repo)));
  world.sweep();
  const { lastError } = await untilState(world, "acme/app", ({ state }) => state === "fresh");
  expect(lastError).toBeNull();
});

test("files in the place of a ref leave out that ref alone, until they are removed", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const inTheWay = join(world.mirror(repo), "refs/heads/blocked");
  mkdirSync(inTheWay);
  writeFileSync(join(inTheWay, "notes .txt"), "an operator's\n");
  const names = ["a", "blocked", "c", "d", "e"].map((name) => `refs/heads/${name}`);
  setRefs(repo.dir, Object.fromEntries(names.map((name) => [name, looseCommit(repo.dir, name)])));
  await byHand(world, repo);
  await hasEveryByte(world, repo, ["refs/heads/blocked"]);
  const { lastError } = await untilState(world, "acme/app", ({ state }) => state === "incomplete");
  expect(lastError.message).toContain("refs/heads/blocked");
  rmSync(inTheWay, { recursive: true });
  world.sweep();
  await hasEveryByte(world, repo);
  await untilState(world, "acme/app", ({ state }) => state === "fresh");
});

test("a push whose ref JSON could not carry leads to a full comparison", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const push = await world.standin.commit(repo, "main");
  setRefs(repo.dir, { "refs/heads/caf\xe9": push.after });
  await world.pushed({ ...push, ref: "refs/heads/caf\uFFFD" });
  await hasEveryByte(world, repo);
  expect((await world.line(({ event, trigger }) => event === "refreshed" && trigger === "push")).way).toBe(
    "full",
  );
});
