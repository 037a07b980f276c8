import { lstatSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hook } from "../support/consumers.js";
import { compare } from "../support/history.js";
import { asNobody, modesBelow } from "../support/modes.js";
import { expectTree, published, treesOf } from "../support/published.js";
import { passed, stateOf } from "../support/state.js";
import type { World } from "../support/world.js";

asNobody();

async function publishedWithModes(env: Record<string, string> = {}) {
  const found = await published({ CHECKOUT_GRACE: "0s", ...env });
  const chmod = modesBelow(found.world.dataDir);
  const base = join(found.world.dataDir, "repos", String(found.repo.id), "trees", "@");
  return { ...found, chmod, base, trash: join(found.world.dataDir, "trash") };
}

const isRemoval = ({ event }: { event: string }) => event === "removal_obstructed";

const isFailure = ({ event }: { event: string }) => event === "refresh_failed" || event === "publish_failed";

const MODES: [string, number, string[]][] = [
  ["made read-only", 0o555, ["."]],
  ["closed", 0o000, ["."]],
  ["made read-only in a directory", 0o555, ["d"]],
  ["closed in a directory", 0o000, ["d"]],
  ["made read-only as a whole", 0o555, ["d", "."]],
];

test.each(MODES)("a tree that was %s blocks neither a push nor a start", async (_, mode, paths) => {
  const { world, repo, link, push, chmod, base, trash } = await publishedWithModes();
  await push({ a: "1", "d/b": "1" });
  const tree = realpathSync(link());
  for (const path of paths) chmod(join(tree, path), mode);
  for (const n of ["2", "3", "4"]) expectTree(world, repo, link(), await push({ a: n, "d/b": n }));
  expect(treesOf(world, repo)).toEqual(["1", "2"]);

  for (const path of paths) chmod(join(realpathSync(link()), path), mode);
  const last = await push({ a: "5", "d/b": "5" });
  await world.stop();
  await world.start(repo);
  expectTree(world, repo, link(), last);
  await world.stop();
  await world.start({ CHECKOUTS: "acme/other" });
  await compare(world, repo);
  await expect.poll(() => readdirSync(trash)).toEqual([]);
  expect(lstatSync(base, { throwIfNoEntry: false })).toBeUndefined();
  expect(world.log.filter((line) => isFailure(line) || isRemoval(line))).toEqual([]);
});

test("a hook that removes write permission does not block a later push", async () => {
  const { file } = hook("chmod -R a-w .");
  const { world, repo, link, push } = await publishedWithModes({ PRE_PUBLISH_HOOK: file });
  for (const n of ["1", "2", "3", "4"]) expectTree(world, repo, link(), await push({ a: n, "d/b": n }));
  expect(world.log.filter((line) => isFailure(line) || isRemoval(line))).toEqual([]);
});

test.each(["d", "."])("an unreadable published tree is replaced: %s", async (path) => {
  const { world, repo, link, push, chmod } = await publishedWithModes();
  const sha = await push({ a: "1", "d/b": "1" });
  chmod(join(realpathSync(link()), path), 0);
  const from = world.log.length;
  const replaced = world.line(({ event }) => event === "published", from);
  // Each pass checks one of the two trees.
  for (let n = 0; n < 2; n++) await passed(world);
  await replaced;
  expectTree(world, repo, link(), sha);
  expect(lstatSync(realpathSync(link())).mode & 0o777).toBe(0o750);
});

/** A stray that cannot be moved away. */
function withStray(base: string, trash: string, chmod: (path: string, mode: number) => void): string {
  const stray = join(base, "9");
  mkdirSync(stray);
  mkdirSync(trash, { recursive: true });
  chmod(trash, 0o555);
  return stray;
}

test("what cannot be removed fails neither a start nor a refresh, is reported once, and is removed later", async () => {
  const { world, repo, link, push, chmod, base, trash } = await publishedWithModes();
  await push({ a: "1" });
  await world.stop();
  const stray = withStray(base, trash, chmod);
  await world.start(repo);
  expectTree(world, repo, link(), await push({ a: "2" }));
  expectTree(world, repo, link(), await push({ a: "3" }));
  expect(world.log.filter(isFailure)).toEqual([]);
  expect(world.log.filter(isRemoval)).toEqual([
    expect.objectContaining({
      ...{ level: "warn", path: stray, reason: expect.stringContaining("EACCES") },
      hint: expect.stringContaining("owner, mode and attributes"),
    }),
  ]);

  chmod(trash, 0o750);
  await push({ a: "4" });
  await expect.poll(() => readdirSync(trash)).toEqual([]);
  expect(treesOf(world, repo)).toEqual(["1", "2"]);
});

test("trees that are no longer asked for and cannot be removed are removed at a later start", async () => {
  const { world, repo, push, chmod, base, trash } = await publishedWithModes();
  await push({ a: "1" });
  await world.stop();
  mkdirSync(trash, { recursive: true });
  chmod(trash, 0o555);
  await world.start({ CHECKOUTS: "acme/other" });
  await compare(world, repo);
  expect(readdirSync(base)).toEqual(expect.arrayContaining(["1", "2"]));
  await pathsTold(
    world,
    ["1", "2"].map((n) => join(base, n)),
  );
  chmod(trash, 0o750);
  await world.stop();
  await world.start({ CHECKOUTS: "acme/other" });
  expect(lstatSync(base, { throwIfNoEntry: false })).toBeUndefined();
});

async function pathsTold(world: World, paths: string[]): Promise<void> {
  const reported = world.log.filter(isRemoval).map(({ path }) => path);
  expect(reported.sort()).toEqual(paths);
}

test("a publish without write permission reports permission, and the published tree stays", async () => {
  const { world, repo, standin, link, push, chmod, base } = await publishedWithModes();
  const sha = await push({ a: "1" });
  chmod(base, 0o555);
  const next = await standin.commit(repo, "main", { files: { a: "2" } });
  await world.pushed(next);
  expect(await world.line(isFailure)).toMatchObject({ code: "permission" });
  expect((await stateOf(world, "acme/app")).lastError).toMatchObject({
    code: "permission",
    hint: expect.stringContaining("owner, mode and attributes"),
  });
  expect(realpathSync(link())).toBe(join(base, "2"));
  expect(sha).not.toBe(next.after);
  chmod(base, 0o750);
  await compare(world, repo);
  expectTree(world, repo, link(), next.after);
});
