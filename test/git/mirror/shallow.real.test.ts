import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ZERO } from "../../../src/base/model.js";
import { createLayout } from "../../../src/git/disk/layout.js";
import { createUpkeep } from "../../../src/git/mirror/upkeep.js";
import type { Repo } from "../../../tools/standin/index.js";
import { objectsOf, plainGit, realGit } from "../../support/git.js";
import { compare, shown } from "../../support/history.js";
import { never } from "../../support/mirror.js";
import { expectTree, published, refreshed } from "../../support/published.js";
import { type Message, readEvents } from "../../support/sse.js";
import { stateOf, untilState } from "../../support/state.js";
import { gitmodules, library, shownFiles } from "../../support/submodules.js";
import { ageObjects, DAY_MS } from "../../support/wear.js";
import type { World } from "../../support/world.js";

const MAIN = "refs/heads/main";
const CUT = { CHECKOUTS: "acme/*?depth=3" };

const countOf = (mirror: string, ref: string) => Number(plainGit(mirror, "rev-list", "--count", ref));
const commitsOf = (world: World, repo: Repo, ref = MAIN) => countOf(world.mirror(repo), ref);
const upstream = (repo: Repo, ref = MAIN) => countOf(repo.dir, ref);
const isSound = (world: World, repo: Repo) => plainGit(world.mirror(repo), "fsck", "--strict");

test("a shallow mirror has the last commits of what is published, through pushes small and large", async () => {
  const { world, repo, standin, link, push } = await published(CUT);
  for (let n = 0; n < 5; n++) await push({ n: `${n}` });
  expect(commitsOf(world, repo)).toBe(3);
  expect(upstream(repo)).toBeGreaterThan(5);
  expect(await stateOf(world, "acme/app")).toMatchObject({ state: "fresh", depth: 3 });
  for (let n = 0; n < 6; n++) await standin.commit(repo, "main", { files: { many: `${n}` } });
  const last = await push({ last: "1" });
  expect(commitsOf(world, repo)).toBe(3);
  expectTree(world, repo, link(), last);
  isSound(world, repo);
});

test("a push brought by word is one request, as in a whole mirror", async () => {
  const { standin, push } = await published(CUT);
  await push({ a: "1" });
  standin.gitRequests.length = 0;
  await push({ a: "2" });
  expect(standin.gitRequests.map(({ protocol }) => protocol)).toEqual(["fetch"]);
});

test("other refs stay out, and a branch that joins comes with its last commits", async () => {
  const CHECKOUTS = "acme/*?depth=2,acme/app@release?depth=4";
  const { world, repo, standin, link, push } = await published({ CHECKOUTS });
  const side = await standin.commit(repo, "side", { files: { side: "1" } });
  await refreshed(world, () => world.pushed(side));
  for (let n = 0; n < 3; n++) await push({ n: `${n}` });
  const made = await standin.commit(repo, "release", { files: { r: "1" } });
  await refreshed(world, () => world.pushed(made));
  await compare(world, repo);
  expect(Object.keys(world.tips(repo))).toEqual([MAIN, "refs/heads/release"]);
  expectTree(world, repo, link("app@release"), made.after);
  expect(commitsOf(world, repo, "refs/heads/release")).toBe(4);
  // Where the history of one ref ends, that of another ref ends too.
  expect(upstream(repo)).toBe(4);
  expect(commitsOf(world, repo)).toBe(3);
  isSound(world, repo);
});

test("a forced push is followed, and nothing is kept or held of what it left behind", async () => {
  const { world, repo, standin, link, push } = await published(CUT);
  const first = await push({ a: "1" });
  for (let n = 0; n < 5; n++) await push({ n: `${n}` });
  const back = await standin.forcePush(repo, "main", first);
  await refreshed(world, () => world.pushed(back));
  expectTree(world, repo, link(), first);
  const orphan = await standin.forcePush(repo, "main", { orphan: true });
  await refreshed(world, () => world.pushed(orphan));
  expect(commitsOf(world, repo)).toBe(1);
  expect(await shown(world, repo)).toMatchObject({ kept: [], holds: [], state: "fresh" });
  isSound(world, repo);
});

test("another depth, or none, is given to a mirror at the next start; its tree is shown meanwhile", async () => {
  const { world, repo, standin, link, push } = await published({ CHECKOUTS: "acme/*" });
  for (let n = 0; n < 8; n++) await push({ n: `${n}` });
  const tag = await standin.createTag(repo, "v1", {});
  await refreshed(world, () => world.pushed(tag));
  const orphan = await standin.forcePush(repo, "main", { orphan: true });
  await refreshed(world, () => world.pushed(orphan));
  const sha = await standin.forcePush(repo, "main", orphan.before);
  await refreshed(world, () => world.pushed(sha));
  const tree = realpathSync(link());
  for (const [depth, fits] of [
    ["?depth=2", () => commitsOf(world, repo) === 2],
    ["?depth=5", () => commitsOf(world, repo) === 5],
    ["", () => commitsOf(world, repo) === upstream(repo)],
  ] as const) {
    await world.stop();
    await world.start({ CHECKOUTS: `acme/*${depth}` });
    await untilState(world, "acme/app", ({ queued, running }) => !queued && !running && fits());
    expect(Object.keys(world.tips(repo))).toEqual(depth === "" ? [MAIN, "refs/tags/v1"] : [MAIN]);
    expect(realpathSync(link())).toBe(tree);
    isSound(world, repo);
  }
  expect(existsSync(join(world.mirror(repo), "shallow"))).toBe(false);
  expectTree(world, repo, link(), await push({ whole: "1" }));
});

test("another default branch takes the place of the old one", async () => {
  const { world, repo, standin, link, push } = await published(CUT);
  await push({ a: "1" });
  const trunk = await standin.commit(repo, "trunk", { files: { b: "2" } });
  await standin.setDefaultBranch(repo, "trunk");
  const from = world.log.length;
  world.sweep();
  await world.line(({ event, ref }) => event === "published" && ref === "refs/heads/trunk", from);
  expectTree(world, repo, link(), trunk.after);
  await untilState(world, "acme/app", ({ queued, running }) => !queued && !running);
  expect(Object.keys(world.tips(repo))).toEqual(["refs/heads/trunk"]);
  // The events report a clone, pushes, and one branch in place of another, and the trees besides.
  const isLast = ({ data }: Message) => data?.checkouts.some(({ after }) => after === trunk.after);
  const events = await readEvents(await world.api("/api/v1/events?after=0"), (all) => all.some(isLast));
  const ofMirror = events.filter(({ event }) => event === "cloned" || event === "changed");
  expect(ofMirror.map(({ event }) => event)).toEqual(["cloned", "changed", "changed"]);
  expect(ofMirror[2]!.data!.changes).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ ref: MAIN, after: ZERO }),
      expect.objectContaining({ ref: "refs/heads/trunk", after: trunk.after }),
    ]),
  );
});

test("maintenance tidies, checks and prunes it, and pushes go on", async () => {
  const { world, repo, link, push } = await published(CUT);
  const first = await push({ n: "first" });
  for (let n = 0; n < 8; n++) await push({ n: `${n}` });
  const ends = () =>
    readFileSync(join(world.mirror(repo), "shallow"), "utf8")
      .trim()
      .split("\n").length;
  expect(ends()).toBeGreaterThan(3);
  await world.stop();
  const layout = createLayout(world.dataDir);
  const upkeep = createUpkeep({ git: realGit(), layout, timeoutMs: 60_000 });
  await upkeep.tidy(repo.id, never);
  expect(await upkeep.check(repo.id, never)).toEqual({ sound: true });
  expect(await upkeep.isLost(repo.id, [first], never)).toBe(true);
  ageObjects(world.mirror(repo));
  expect(await upkeep.prune(repo.id, DAY_MS, never)).toBe(false);
  expect(ends()).toBe(1);
  expect(objectsOf(world.mirror(repo))).not.toContain(first);
  await world.start();
  expectTree(world, repo, link(), await push({ after: "1" }));
  isSound(world, repo);
});

test("submodules and files of LFS are published from it, also where a submodule's own mirror is shallow", async () => {
  const CHECKOUTS = "acme/app?depth=1&submodules=yes&lfs=yes,acme/lib?depth=1";
  const { standin, link, push } = await published({ CHECKOUTS });
  const lib = await library(standin, "acme", "lib");
  const old = await lib.write({ a: "old" });
  for (let n = 0; n < 3; n++) await lib.write({ a: `${n}` });
  const files = { ".gitmodules": gitmodules({ lib: "../lib.git" }), ".gitattributes": "*.bin filter=lfs\n" };
  await push({ ...files, lib: { gitlink: old }, "a.bin": standin.lfs.put("one") });
  expect(shownFiles(link())).toMatchObject({ "lib/a": "old", "a.bin": "one" });
  await push({ lib: { gitlink: await lib.write({ a: "new" }) }, "a.bin": standin.lfs.put("two") });
  expect(shownFiles(link())).toMatchObject({ "lib/a": "new", "a.bin": "two" });
});

test("a lock that a killed git left on its shallow file blocks nothing", async () => {
  const { world, repo, link, push } = await published(CUT);
  for (let n = 0; n < 4; n++) await push({ n: `${n}` });
  writeFileSync(join(world.mirror(repo), "shallow.lock"), "");
  expectTree(world, repo, link(), await push({ locked: "1" }));
  isSound(world, repo);
});

test("an old answer to deliveries in the wrong order is not believed", async () => {
  const { world, repo, standin, push } = await published({ CHECKOUTS: "acme/*?depth=1" });
  await push({ a: "1" });
  await standin.serveStale(repo, 2_000);
  const next = await standin.commit(repo, "main", { files: { a: "2" } });
  const later = await standin.commit(repo, "main", { files: { a: "3" } });
  await world.pushed(later, next);
  await world.inStep(repo);
  expect(world.tips(repo)[MAIN]).toBe(later.after);
});
