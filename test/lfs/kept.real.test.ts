import { expect, test } from "vitest";
import { keptObject, oidOf, untilKept } from "../support/kept-lfs.js";
import { stateOf, untilState } from "../support/state.js";
import { World } from "../support/world.js";

const ATTRIBUTES = { ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n" };

test("the objects of every ref are kept, also those that a forced push leaves behind", async () => {
  const world = await World.create({ LFS: "yes" });
  const { standin } = world;
  const repo = await standin.createRepository("acme", "app");
  const put = (content: string) => standin.lfs.put(content, "acme/app");
  const commit = (branch: string, files: Record<string, string>) =>
    standin.commit(repo, branch, { files: { ...ATTRIBUTES, ...files } });
  await commit("main", { "a.bin": put("old"), "text.md": "no pointer" });
  await commit("main", { "a.bin": put("new") });
  await commit("topic", { "deep/b.bin": put("of a branch") });
  await world.start(repo);
  const lfs = await untilKept(world, "acme/app", ({ objects }) => objects === 3);
  expect(lfs).toMatchObject({ bytes: 17, missing: 0, missingBytes: 0, refused: 0, fault: null });
  expect(["old", "new", "of a branch"].map((text) => keptObject(world.dataDir, repo.id, text))).toEqual([
    "old",
    "new",
    "of a branch",
  ]);

  // A push is looked at from where the last look ended, and a forced one leaves its objects here.
  await world.pushed(await commit("main", { "c.bin": put("pushed") }));
  await untilKept(world, "acme/app", ({ objects }) => objects === 4);
  await world.pushed(await standin.forcePush(repo, "main", { orphan: true }));
  await world.inStep(repo);
  expect(standin.lfs.downloads).toHaveLength(4);
  expect(keptObject(world.dataDir, repo.id, "pushed")).toBe("pushed");
});

test("an object that GitHub lacks is counted, stops no other one, and comes with the next look", async () => {
  const world = await World.create({ LFS: "yes" });
  const { standin } = world;
  const repo = await standin.createRepository("acme", "app");
  const lost = standin.lfs.put("lost", "acme/app");
  const wrong = standin.lfs.put("wrong", "acme/app");
  standin.lfs.spoil(lost, null);
  standin.lfs.spoil(wrong, "else!");
  const files = {
    ...ATTRIBUTES,
    "a.bin": lost,
    "b.bin": wrong,
    "c.bin": standin.lfs.put("fine", "acme/app"),
  };
  await standin.commit(repo, "main", { files });
  await world.start(repo);
  const lfs = await untilKept(world, "acme/app", ({ objects }) => objects === 1);
  expect(lfs).toMatchObject({ objects: 1, missing: 2, missingBytes: 9, refused: 2 });
  expect(lfs.fault).toMatch(/404 Object does not exist|does not match|has/);
  expect(keptObject(world.dataDir, repo.id, "wrong")).toBe(null);
  await untilState(world, "acme/app", ({ state }) => state === "fresh");
});

test("a restart downloads nothing again", async () => {
  const world = await World.create({ LFS: "yes" });
  const { standin } = world;
  const repo = await standin.createRepository("acme", "app");
  await standin.commit(repo, "main", {
    files: { ...ATTRIBUTES, "a.bin": standin.lfs.put("one", "acme/app") },
  });
  await world.start(repo);
  await untilKept(world, "acme/app", ({ objects }) => objects === 1);
  await world.stop();
  await world.start(repo);
  await world.pushed(
    await standin.commit(repo, "main", { files: { "b.bin": standin.lfs.put("two", "acme/app") } }),
  );
  await untilKept(world, "acme/app", ({ objects }) => objects === 2);
  expect(standin.lfs.downloads).toEqual([oidOf("one"), oidOf("two")]);
});

test("objects go with their mirror, and a mirror without its contents has none", async () => {
  const env = { LFS: "yes", RETIRE_AFTER: "1s", CHECKOUTS: "acme/part?filter=blob:none" };
  const world = await World.create(env);
  const { standin } = world;
  const whole = await standin.createRepository("acme", "whole");
  const part = await standin.createRepository("acme", "part");
  const files = (name: string) => ({ ...ATTRIBUTES, "a.bin": standin.lfs.put(name, `acme/${name}`) });
  await standin.commit(whole, "main", { files: files("whole") });
  await standin.commit(part, "main", { files: files("part") });
  await world.start(whole);
  await world.line(({ event, repository }) => event === "refreshed" && repository === "acme/part");
  await untilKept(world, "acme/whole", ({ objects }) => objects === 1);
  expect((await stateOf(world, "acme/part")).lfs).toMatchObject({ objects: 0, scannedAt: null });

  standin.removeRepository(whole);
  for (;;) {
    world.sweep();
    if (world.log.some(({ event }) => event === "repository_retired")) break;
    await world.nextLine();
  }
  expect(keptObject(world.dataDir, whole.id, "whole")).toBe(null);
});

test("without LFS=yes nothing is asked for, and the API says nothing of it", async () => {
  const world = await World.create();
  const { standin } = world;
  const repo = await standin.createRepository("acme", "app");
  await standin.commit(repo, "main", {
    files: { ...ATTRIBUTES, "a.bin": standin.lfs.put("one", "acme/app") },
  });
  await world.start(repo);
  expect((await stateOf(world, "acme/app")).lfs).toBe(undefined);
  expect(standin.lfs.asked).toEqual([]);
});
