import { expect, test } from "vitest";
import { byHand, bytesOfRefs, hasEveryByte, looseCommit, setRefs, utf8 } from "../support/ref-bytes.js";
import { World } from "../support/world.js";

/** The same letter in Latin-1, and in UTF-8 as one and as two characters. */
const CAFES = ["refs/heads/caf\xe9", `refs/heads/${utf8("caf\u00e9")}`, `refs/heads/${utf8("cafe\u0301")}`];
const CASES = ["refs/heads/Main", "refs/heads/MAIN", "refs/tags/v1", "refs/tags/V1"];

test("names that differ in case, in Unicode form or in one byte move and go by themselves", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  const names = [...CAFES, ...CASES, "refs/heads/\xe9/deep", "refs/heads/caf\xe8", "refs/tags/\xff\xfe"];
  const named = (round: string) =>
    Object.fromEntries(names.map((name, n) => [name, looseCommit(repo.dir, `${round} ${n}`)]));
  setRefs(repo.dir, named("first"));
  await world.start();
  await hasEveryByte(world, repo);
  setRefs(repo.dir, named("second"));
  await byHand(world, repo);
  await hasEveryByte(world, repo);
  setRefs(repo.dir, { [names[0]!]: null });
  await byHand(world, repo);
  await hasEveryByte(world, repo);
  for (const name of names) setRefs(repo.dir, { [name]: null });
  await byHand(world, repo);
  await hasEveryByte(world, repo);
  expect(Object.keys(bytesOfRefs(world.mirror(repo)))).toEqual(["refs/heads/main"]);
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
});

test("a hundred names that are not UTF-8 appear, move and go in one transaction each", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const names = Array.from({ length: 100 }, (_, n) => `refs/heads/\xe9${n % 10}/\xfc${n}`);
  const [one, two] = [looseCommit(repo.dir, "one"), looseCommit(repo.dir, "two")];
  // An answer that lacks more than half of them would be held like a removal of many.
  for (const [sha, some] of [
    [one, names],
    [two, names],
    [null, names.slice(0, 50)],
  ] as const) {
    setRefs(repo.dir, Object.fromEntries(some.map((name) => [name, sha])));
    await byHand(world, repo);
    await hasEveryByte(world, repo);
  }
});

test("memory, log, API and kept tips write such a byte as git quotes it", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  const [one, two] = ["one", "two"].map((message) => looseCommit(repo.dir, message)) as [string, string];
  setRefs(repo.dir, { "refs/heads/caf\xe9": one });
  await world.start();
  await hasEveryByte(world, repo);
  setRefs(repo.dir, { "refs/heads/caf\xe9": two });
  await byHand(world, repo);
  await hasEveryByte(world, repo);
  const refreshed = await world.line(({ event, way }) => event === "refreshed" && way === "full");
  expect(refreshed.refs).toEqual([`refs/heads/caf\\351@${two.slice(0, 12)}`]);
  const shown = await (await world.api("/api/v1/repos/acme/app")).json();
  expect(shown).toMatchObject({
    heads: { "refs/heads/caf\\351": two },
    kept: [{ ref: "refs/heads/caf\\351", sha: one }],
  });
});
