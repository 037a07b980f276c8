import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { clearLeftovers } from "../../../src/git/disk/heal.js";
import { bareRepository, plainGit } from "../../support/git.js";

/** The list has every name of a lock or temporary file that git's sources make inside a git directory. */
const LEFTOVERS = [
  "HEAD.lock",
  "config.lock",
  "packed-refs.lock",
  "packed-refs.new",
  "shallow.lock",
  "index.lock",
  "FETCH_HEAD.lock",
  "ORIG_HEAD.lock",
  "gc.pid",
  "gc.pid.lock",
  "refs/heads/main.lock",
  "refs/heads/deep/er/branch.lock",
  "refs/tags/v1.lock",
  "logs/refs/heads/main.lock",
  "info/refs.lock",
  "worktrees/w/HEAD.lock",
  "objects/maintenance.lock",
  "objects/info/alternates.lock",
  "objects/info/commit-graph.lock",
  "objects/info/commit-graphs/commit-graph-chain.lock",
  "objects/info/commit-graphs/tmp_graph_a1B2c3",
  "objects/pack/multi-pack-index.lock",
  "objects/pack/tmp_pack_a1B2c3",
  "objects/pack/tmp_idx_a1B2c3",
  "objects/pack/tmp_rev_a1B2c3",
  "objects/pack/tmp_bitmap_a1B2c3",
  "objects/pack/.tmp-1234-pack-abc.pack",
  "objects/ab/tmp_obj_a1B2c3",
  "objects/tmp_objdir-incoming-a1B2c3/x",
];

test.each(LEFTOVERS)("%s is cleared", async (name) => {
  const { dir, commit } = bareRepository();
  const path = join(dir, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "");
  await clearLeftovers(dir);
  expect(existsSync(path)).toBe(false);
  expect(plainGit(dir, "rev-parse", "main")).toBe(commit);
  plainGit(dir, "fsck", "--strict");
});

test("locks in names that are not UTF-8 are cleared", async () => {
  const { dir } = bareRepository();
  const heads = Buffer.from(join(dir, "refs/heads/"));
  const path = (name: string) => Buffer.concat([heads, Buffer.from(name, "latin1")]);
  mkdirSync(path("caf\xe9"));
  for (const name of ["caf\xe9/main.lock", "th\xe9.lock"]) writeFileSync(path(name), "");
  await clearLeftovers(dir);
  for (const name of ["caf\xe9/main.lock", "th\xe9.lock"]) expect(existsSync(path(name))).toBe(false);
});

test("nothing else is touched", async () => {
  const { dir, commit } = bareRepository();
  plainGit(dir, "update-ref", "refs/heads/lock", commit);
  plainGit(dir, "update-ref", "refs/heads/tmp_pack_x/lockfile", commit);
  plainGit(dir, "update-ref", "refs/heads/gc.pid", commit);
  expect(await clearLeftovers(dir)).toEqual([]);
  expect(plainGit(dir, "for-each-ref", "--format=%(refname)").split("\n")).toHaveLength(4);
});
