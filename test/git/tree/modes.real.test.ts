import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { asRefreshError } from "../../../src/base/errors.js";
import { createLayout, emptyTrash, toTrash } from "../../../src/git/disk/layout.js";
import { deleteAll } from "../../../src/git/disk/permissions.js";
import { createTrees, treeDir } from "../../../src/git/tree/trees.js";
import { bareRepository, realGit } from "../../support/git.js";
import { asNobody, modesBelow } from "../../support/modes.js";
import { tempDir } from "../../support/temp.js";
import { commitFiles, filesBelow, filesOf } from "../../support/trees.js";

asNobody();

function builtTree() {
  const { dir: mirror } = bareRepository();
  const place = { base: tempDir(), n: 1, mirror, paths: [] };
  const dir = treeDir(place);
  modesBelow(place.base);
  const trees = createTrees({ git: realGit(), timeoutMs: 60_000, direct: true });
  const commit = (files: Parameters<typeof commitFiles>[1]) => commitFiles(mirror, files);
  return { mirror, place, dir, trees, commit };
}

const CLOSED: [string, number, string][] = [
  ["a directory without any permission", 0o000, "d"],
  ["a directory that only shows its names", 0o444, "d"],
  ["a file without any permission", 0o000, "d/b"],
  ["the tree itself", 0o000, "."],
];

test.each(CLOSED)("%s is a difference, and is written again", async (_, mode, path) => {
  const { mirror, place, dir, trees, commit } = builtTree();
  const sha = commit({ a: "1", "d/b": "1", "d/e/f": "1" });
  await trees.build(place, sha);
  expect(await trees.differences(place, sha)).toEqual([]);
  chmodSync(join(dir, path), mode);
  expect(await trees.differences(place, sha)).not.toEqual([]);
  await trees.build(place, sha);
  expect(filesBelow(dir)).toEqual(filesOf(mirror, sha));
  expect(await trees.differences(place, sha)).toEqual([]);
  expect(lstatSync(dir).mode & 0o777).toBe(0o750);
});

test("an update so large that every path is checked does not skip an unreadable directory", async () => {
  const { place, dir, trees, commit } = builtTree();
  const files = (text: string) => Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`m/${n}`, text]));
  const first = commit({ ...files("1"), "d/b": "1" });
  const second = commit(files("2"));
  await trees.build(place, first);
  chmodSync(join(dir, "d"), 0o444);
  await expect(trees.update(place, first, second)).rejects.toMatchObject({ code: "tree_unsound" });
});

function dataWith(files: Record<string, string>) {
  const data = tempDir();
  const layout = createLayout(data);
  const tree = join(data, "tree");
  mkdirSync(join(tree, "d", "e"), { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(join(tree, path), text);
  return { layout, tree, chmod: modesBelow(data) };
}

test("a directory that may not be written to or read is moved away and deleted all the same", async () => {
  const { layout, tree, chmod } = dataWith({ a: "1", "d/b": "1", "d/e/c": "1" });
  const odd = Buffer.concat([Buffer.from(`${tree}/d/`), Buffer.from([0xff])]);
  mkdirSync(odd);
  writeFileSync(Buffer.concat([odd, Buffer.from("/x")]), "");
  for (const path of [odd, join(tree, "d", "e"), join(tree, "d"), tree])
    chmod(path, path === tree ? 0o555 : 0);
  toTrash(layout, tree);
  expect(lstatSync(tree, { throwIfNoEntry: false })).toBeUndefined();
  await expect.poll(() => readdirSync(layout.trash)).toEqual([]);
});

test("the target of a link out of the directory keeps its mode", async () => {
  const { layout, tree, chmod } = dataWith({ "d/b": "1" });
  const elsewhere = tempDir();
  writeFileSync(join(elsewhere, "precious"), "1");
  symlinkSync(elsewhere, join(tree, "d", "link"));
  modesBelow(elsewhere)(elsewhere, 0o555);
  chmod(join(tree, "d"), 0o555);
  toTrash(layout, tree);
  await expect.poll(() => readdirSync(layout.trash)).toEqual([]);
  expect(lstatSync(elsewhere).mode & 0o777).toBe(0o555);
  expect(readFileSync(join(elsewhere, "precious"), "utf8")).toBe("1");
});

test("a path that cannot be deleted has the code permission, with the path", async () => {
  // The kernel's file behaves as chattr(1) would make one: root itself must not unlink it.
  const file = "/proc/self/status";
  await expect(deleteAll(file)).rejects.toMatchObject({
    code: "permission",
    message: expect.stringContaining(file),
  });
});

test("a path that cannot be deleted is reported, and is deleted once it can be", async () => {
  const { layout, chmod } = dataWith({});
  mkdirSync(join(layout.trash, "2-abc"), { recursive: true });
  chmod(layout.trash, 0o555);
  const [remains, ...others] = await emptyTrash(layout);
  expect(others).toEqual([]);
  expect(remains).toMatchObject({ path: join(layout.trash, "2-abc"), error: { code: "permission" } });
  chmod(layout.trash, 0o750);
  expect(await emptyTrash(layout)).toEqual([]);
  expect(readdirSync(layout.trash)).toEqual([]);
});

test("a file that may not be written has the code permission, with its path", () => {
  const dir = tempDir();
  modesBelow(dir)(dir, 0o555);
  const failure = (act: () => void) => {
    try {
      return void act();
    } catch (error) {
      return asRefreshError(error);
    }
  };
  expect(failure(() => mkdirSync(join(dir, "a")))).toMatchObject({
    code: "permission",
    message: expect.stringContaining(join(dir, "a")),
  });
  expect(asRefreshError(Object.assign(new Error("x"), { code: "EACCES" })).code).toBe("internal");
  expect(asRefreshError(undefined).code).toBe("internal");
});
