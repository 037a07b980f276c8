import { chmodSync, existsSync, mkdirSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createTrees, treeDir } from "../../../src/git/tree/trees.js";
import { bareRepository, realGit } from "../../support/git.js";
import { tempDir } from "../../support/temp.js";
import { commitFiles, filesBelow, filesOf, type NewFile } from "../../support/trees.js";

const FILES: Record<string, NewFile> = {
  ...{ a: "1", "d/b": "1", "d/e/f": "1", "caf\xe9/\xff": "1", 'q"\n\t': "1" },
  run: { mode: "100755", data: "#!/bin/sh\n" },
  link: { mode: "120000", data: "d" },
  lib: { mode: "160000", data: "1".repeat(40) },
};

async function built(paths: string[] = []) {
  const { dir: mirror } = bareRepository();
  const place = { base: tempDir(), n: 1, mirror, paths };
  const trees = createTrees({ git: realGit(), timeoutMs: 60_000, direct: true });
  const sha = commitFiles(mirror, FILES);
  await trees.build(place, sha);
  return { mirror, place, trees, sha, dir: treeDir(place) };
}

const junk = (...path: string[]) => writeFileSync(join(...path), "x");

test.each<[string, (dir: string) => void, string]>([
  ["a file in a submodule's place", (dir) => junk(dir, "lib", "x"), "lib"],
  ["a submodule's place is a link", (dir) => replaceByLink(join(dir, "lib")), "lib"],
  ["a submodule's place is gone", (dir) => rmdirSync(join(dir, "lib")), "lib"],
  ["a .git at the top", (dir) => mkdirSync(join(dir, ".git")), ".git"],
  ["a .git that is a file", (dir) => junk(dir, ".git"), ".git"],
  ["a .git below", (dir) => mkdirSync(join(dir, "d/.git")), "d/.git"],
  ["an empty directory", (dir) => mkdirSync(join(dir, "d/empty")), "d/empty"],
  ["a file", (dir) => junk(dir, "d/x"), "d/x"],
  ["a link", (dir) => symlinkSync("/etc", join(dir, "d/x")), "d/x"],
  ["a directory is a link", (dir) => replaceByLink(join(dir, "d/e")), "d/e"],
  ["a link is a directory", (dir) => replaceByDirectory(join(dir, "link")), "link"],
  ["a file without permissions", (dir) => chmodSync(join(dir, "a"), 0), "a"],
  ["the group may not read a file", (dir) => chmodSync(join(dir, "d/b"), 0o600), "d/b"],
  ["everybody may write a file", (dir) => chmodSync(join(dir, "run"), 0o777), "run"],
  ["a file runs as its owner", (dir) => chmodSync(join(dir, "run"), 0o4755), "run"],
  ["a directory without permissions", (dir) => chmodSync(join(dir, "d/e"), 0), "d/e"],
  ["a tree without write permission", (dir) => chmodSync(dir, 0o550), "."],
])("%s is found, and goes with the next build", async (_, act, path) => {
  const { mirror, place, trees, sha, dir } = await built();
  for (const content of [false, true]) expect(await trees.differences(place, sha, content)).toEqual([]);
  act(dir);
  expect(await trees.differences(place, sha)).toEqual([expect.stringMatching(startOf(path))]);
  await trees.build(place, sha);
  expect(await trees.differences(place, sha)).toEqual([]);
  expect(filesBelow(dir)).toEqual(filesOf(mirror, sha));
});

const startOf = (path: string) => new RegExp(`^${path.replaceAll(".", "\\.")}: `);

function replaceByLink(path: string): void {
  rmSync(path, { recursive: true });
  symlinkSync("/etc", path);
}

function replaceByDirectory(path: string): void {
  rmSync(path);
  mkdirSync(path);
}

test.each([0o077, 0o027, 0o000, 0o002])(
  "permissions that a umask removes are not a difference: %i",
  async (umask) => {
    const former = process.umask(umask);
    onTestFinished(() => void process.umask(former));
    const { place, trees, sha } = await built();
    expect(await trees.differences(place, sha)).toEqual([]);
  },
);

test("outside of the paths there is nothing, not even what the commit has there", async () => {
  // git does not run in the tree, and its current directory may have files of the same names.
  for (const name of ["lib", "run"]) expect(existsSync(join("/", name))).toBe(true);
  const { place, trees, sha, dir } = await built(["d"]);
  expect(await trees.differences(place, sha)).toEqual([]);
  writeFileSync(join(dir, "a"), "1");
  expect(await trees.differences(place, sha)).toEqual(["a: differs from the commit"]);
});

test("a name that is not UTF-8 is not another file, and is reported as readably as possible", async () => {
  const { mirror, place, trees, dir } = await built();
  const sha = commitFiles(mirror, {
    ".gitattributes": "*.txt text\n",
    "caf\xe9.txt": "a\r\nb\r\n",
    "caf\xe8.txt": "a\r\n",
  });
  await trees.build(place, sha);
  expect(await trees.differences(place, sha)).toEqual([]);
  expect(filesBelow(dir)).toEqual(filesOf(mirror, sha));
  const next = commitFiles(mirror, { "caf\xe9.txt": "a\r\nc\r\n" });
  await trees.update(place, sha, next);
  expect(filesBelow(dir)).toEqual(filesOf(mirror, next));
  writeFileSync(Buffer.from(join(dir, "caf\xe8.txt"), "latin1"), "b\r\n");
  expect(await trees.differences(place, next)).toEqual(["caf\uFFFD.txt: needs update"]);
});
