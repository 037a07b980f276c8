import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTrees, indexOf, treeDir } from "../../../src/git/tree/trees.js";
import { bareRepository, plainGit, realGit } from "../../support/git.js";
import { tempDir } from "../../support/temp.js";
import { commitFiles, filesBelow, filesOf, type NewFile } from "../../support/trees.js";

function workshop(paths: string[] = []) {
  const { dir: mirror } = bareRepository();
  const place = { base: tempDir(), n: 1, mirror, paths };
  const dir = treeDir(place);
  const trees = createTrees({ git: realGit(), timeoutMs: 60_000, direct: true });
  const commit = (files: Record<string, NewFile>) => commitFiles(mirror, files);
  const equals = (sha: string) => expect(filesBelow(dir)).toEqual(filesOf(mirror, sha));
  return { mirror, place, dir, trees, commit, equals };
}

const link = (data: string): NewFile => ({ mode: "120000", data });

const CHANGES: [string, Record<string, NewFile>, Record<string, NewFile>][] = [
  ["a file changes", { a: "1\n" }, { a: "2\n" }],
  ["same size, same second", { a: "1\n", b: "1\n" }, { a: "2\n" }],
  ["files come and go, and a directory with the last", { "d/e/f": "1\n", g: "1" }, { "d/e/f": null, h: "2" }],
  ["a file becomes executable", { run: "#!/bin/sh\n" }, { run: { mode: "100755", data: "#!/bin/sh\n" } }],
  ["a link becomes a file, and a file a link", { a: link("b"), b: "1" }, { a: "2", b: link("/nowhere") }],
  ["a file becomes a directory", { a: "1" }, { a: null, "a/b": "2" }],
  ["a directory becomes a file", { "a/b": "1", "a/c": "1" }, { "a/b": null, "a/c": null, a: "2" }],
  [
    "names that are patterns",
    { "*.txt": "1", "a.txt": "1", ":(top)x": "1" },
    { "*.txt": "2", ":(top)x": "2" },
  ],
  [
    "names of all kinds",
    { "a b\n'\"c": "1", " x ": "1", "-n": "1" },
    { "a b\n'\"c": "2", " x ": "3", "-n": "4" },
  ],
  ["names that are not UTF-8", { "caf\xe9": "1", "d\xff/\xfe": "1" }, { "caf\xe9": "2", "d\xff/\xfe": "2" }],
  [
    "a submodule moves",
    { s: { mode: "160000", data: "1".repeat(40) }, a: "1" },
    { s: { mode: "160000", data: "2".repeat(40) }, a: "2" },
  ],
  ["everything goes", { a: "1", "b/c": "2" }, { a: null, "b/c": null }],
  [
    "more than a handful",
    {},
    Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`d${n % 7}/${n}`, `${n}`])),
  ],
];

test.each(CHANGES)("%s", async (_, before, after) => {
  const { trees, place, commit, equals } = workshop();
  const first = commit({ keep: "1\n", ...before });
  const second = commit(after);
  await trees.build(place, first);
  equals(first);
  expect(await trees.update(place, first, second)).toBeGreaterThan(0);
  equals(second);
  expect(await trees.update(place, second, first)).toBeGreaterThan(0);
  equals(first);
  expect(await trees.differences(place, first)).toEqual([]);
});

test.each(CHANGES)("without git, or left to git: %s", async (_, before, after) => {
  const { trees, place, commit, equals } = workshop();
  const first = commit({ keep: "1\n", ...before });
  const second = commit(after);
  await trees.build(place, first);
  for (const [from, to] of [
    [first, second],
    [second, first],
  ] as const) {
    const direct = await trees.updateDirectly(place, from, to);
    if (direct === null) {
      equals(from);
      await trees.update(place, from, to);
    }
    equals(to);
    await direct?.settle();
    expect(await trees.differences(place, to)).toEqual([]);
  }
});

test("a few files with new contents are written without git, and the index follows", async () => {
  const { trees, place, dir, commit, equals } = workshop();
  const script = (data: string): NewFile => ({ mode: "100755", data });
  const first = commit({ "d/e/a": "1\n", b: "1\n", run: script("1"), keep: "1\n", "caf\xe9": "1" });
  const second = commit({ "d/e/a": "2, and longer\n", run: script("2"), "caf\xe9": "2" });
  await trees.build(place, first);
  const inode = statSync(join(dir, "run")).ino;
  const index = readFileSync(indexOf(place));
  const direct = await trees.updateDirectly(place, first, second);
  expect(direct?.changed).toBe(3);
  equals(second);
  // Whoever reads the old file reads on in it, and git's index is not touched yet.
  expect(statSync(join(dir, "run")).ino).not.toBe(inode);
  expect(readFileSync(indexOf(place))).toEqual(index);
  await direct!.settle();
  expect(await trees.differences(place, second)).toEqual([]);
  expect((await trees.updateDirectly(place, second, second))?.changed).toBe(0);
});

test("files that attributes may convert, and files behind a link, are left to git", async () => {
  const { trees, place, dir, commit } = workshop();
  const outside = tempDir();
  const first = commit({ "d/.gitattributes": "* text eol=crlf\n", "d/e/a": "1\n", "f/a": "1\n", g: "1\n" });
  const second = commit({ "d/e/a": "2\n" });
  await trees.build(place, first);
  expect(await trees.updateDirectly(place, first, second)).toBe(null);
  await trees.update(place, first, second);
  const third = commit({ "f/a": "3\n", g: "3\n" });
  rmSync(join(dir, "f"), { recursive: true });
  symlinkSync(outside, join(dir, "f"));
  writeFileSync(join(outside, "a"), "theirs");
  expect(await trees.updateDirectly(place, second, third)).toBe(null);
  expect(readFileSync(join(outside, "a"), "utf8")).toBe("theirs");
  expect(readFileSync(join(dir, "g"), "utf8")).toBe("1\n");
  await trees.update(place, second, third).catch(() => trees.build(place, third));
  expect(readFileSync(join(dir, "f/a"), "utf8")).toBe("3\n");
  expect(readFileSync(join(dir, "d/e/a"), "utf8")).toBe("2\r\n");
  expect(readFileSync(join(outside, "a"), "utf8")).toBe("theirs");
});

test("a tree whose index is of another commit is found when the index follows", async () => {
  const { trees, place, commit } = workshop();
  const [first, second, third] = [commit({ a: "1", b: "1" }), commit({ b: "2" }), commit({ a: "3" })];
  await trees.build(place, first);
  const direct = await trees.updateDirectly(place, second, third);
  await expect(direct!.settle()).rejects.toMatchObject({ code: "tree_unsound" });
});

test("the same commit again writes nothing", async () => {
  const { trees, place, commit } = workshop();
  const sha = commit({ a: "1" });
  await trees.build(place, sha);
  expect(await trees.update(place, sha, sha)).toBe(0);
});

test("a link out of the tree is never written through", async () => {
  const { trees, place, dir, commit, equals } = workshop();
  const outside = tempDir();
  const first = commit({ a: link(outside), keep: "1" });
  const second = commit({ a: null, "a/file": "2", "a/deep/file": "2" });
  const third = commit({ "a/file": null, "a/deep/file": null, a: link(outside) });
  await trees.build(place, first);
  for (const [from, to] of [
    [first, second],
    [second, third],
    [third, second],
  ] as const) {
    await trees.update(place, from, to);
    equals(to);
  }
  // A reader replaces a directory with a link.
  rmSync(join(dir, "a"), { recursive: true });
  symlinkSync(outside, join(dir, "a"));
  writeFileSync(join(outside, "file"), "theirs");
  const fourth = commit({ a: null, "a/file": "4", "a/deep/more": "4" });
  await trees.update(place, second, fourth);
  expect(readFileSync(join(dir, "a/file"), "utf8")).toBe("4");
  rmSync(join(dir, "a"), { recursive: true });
  symlinkSync(outside, join(dir, "a"));
  const fifth = commit({ "a/file": null });
  await trees.update(place, fourth, fifth).catch(() => {});
  expect(readFileSync(join(outside, "file"), "utf8")).toBe("theirs");
  await trees.build(place, fifth);
  equals(fifth);
  expect(filesBelow(outside)).toEqual(["100644 file theirs"]);
});

test("a user's change in the tree blocks nothing, and is found", async () => {
  const { trees, place, dir, commit, equals } = workshop();
  const first = commit({ a: "1\n", b: "1\n", c: "1\n", "d/e": "1\n" });
  const second = commit({ a: "2\n", "new/file": "2\n", "d/e": null, f: "2" });
  await trees.build(place, first);
  writeFileSync(join(dir, "a"), "edited, and longer\n");
  writeFileSync(join(dir, "new"), "in the way");
  mkdirSync(join(dir, "f"));
  writeFileSync(join(dir, "f", "in the way"), "too");
  await trees.update(place, first, second).catch(() => trees.build(place, second));
  expect(readFileSync(join(dir, "a"), "utf8")).toBe("2\n");
  expect(readFileSync(join(dir, "new/file"), "utf8")).toBe("2\n");
  expect(readFileSync(join(dir, "f"), "utf8")).toBe("2");

  writeFileSync(join(dir, "b"), "3\n");
  rmSync(join(dir, "c"));
  writeFileSync(join(dir, "mine"), "");
  expect(await trees.differences(place, second)).toEqual(["mine: differs from the commit"]);
  rmSync(join(dir, "mine"));
  expect((await trees.differences(place, second)).sort()).toEqual(["b: needs update", "c: needs update"]);
  await trees.build(place, second);
  equals(second);
  chmodSync(join(dir, "a"), 0o755);
  expect(await trees.differences(place, second)).toEqual(["a: differs from the commit"]);
});

test("a tree is checked and written although a killed git has left locks on its index", async () => {
  const { trees, place, dir, commit, equals } = workshop();
  const first = commit({ a: "1\n", b: "1\n" });
  const second = commit({ a: "2\n" });
  const locks = [`${indexOf(place)}.lock`, `${indexOf(place)}.new.lock`];
  const locked = <T>(act: () => Promise<T>) => {
    for (const lock of locks) writeFileSync(lock, "");
    return act();
  };
  await locked(() => trees.build(place, first));
  equals(first);
  writeFileSync(join(dir, "b"), "edited");
  for (const content of [false, true])
    expect(await locked(() => trees.differences(place, first, content))).toEqual(["b: needs update"]);
  writeFileSync(join(dir, "b"), "1\n");
  expect(await locked(() => trees.update(place, first, second))).toBe(1);
  equals(second);
  expect(locks.filter((lock) => existsSync(lock))).toEqual([]);
});

test("a user's change is found whatever the file's name, and so is a file beside it", async () => {
  const { trees, place, dir, commit } = workshop();
  const names = ["n\nl", 'q"uote', "tab\t", "tr ", ":(glob)x", "a: needs update", "ü"];
  const sha = commit(Object.fromEntries(names.map((name) => [Buffer.from(name).toString("latin1"), "1"])));
  await trees.build(place, sha);
  for (const name of names) {
    writeFileSync(join(dir, name), "edited");
    expect(await trees.differences(place, sha), name).toEqual([`${name}: needs update`]);
    await trees.build(place, sha);
  }
  rmSync(join(dir, "n\nl"));
  expect(await trees.differences(place, sha)).toEqual(["n\nl: needs update"]);
});

test("a file with other bytes but the same size and times is found when every file is read", async () => {
  const { trees, place, dir, commit } = workshop();
  const sha = commit({ a: "1\n" });
  await trees.build(place, sha);
  const { atime, mtime } = statSync(join(dir, "a"));
  writeFileSync(join(dir, "a"), "2\n");
  utimesSync(join(dir, "a"), atime, mtime);
  expect(await trees.differences(place, sha, true)).toEqual(["a: needs update"]);
});

test("no filter of the repository runs, and its line ends are honoured, also when they change", async () => {
  const { trees, place, dir, mirror, commit } = workshop();
  const proof = join(tempDir(), "ran");
  for (const key of ["smudge", "process", "clean"])
    plainGit(mirror, "config", `filter.evil.${key}`, `touch ${proof}; cat`);
  plainGit(mirror, "config", "filter.evil.required", "true");
  plainGit(mirror, "config", "core.fsmonitor", `touch ${proof}`);
  mkdirSync(join(mirror, "hooks"), { recursive: true });
  for (const hook of ["post-checkout", "post-index-change"]) {
    writeFileSync(join(mirror, "hooks", hook), `#!/bin/sh\ntouch ${proof}\n`);
    chmodSync(join(mirror, "hooks", hook), 0o755);
  }
  const attributes = "* filter=evil\n*.bat eol=crlf\n";
  const first = commit({ ".gitattributes": attributes, "a.bin": "1\n", "a.bat": "1\n", "b.txt": "1\n" });
  const second = commit({ "a.bin": "2\n", "a.bat": "2\n" });
  const third = commit({ ".gitattributes": "*.txt eol=crlf\n" });
  await trees.build(place, first);
  await trees.update(place, first, second);
  expect(readFileSync(join(dir, "a.bin"), "utf8")).toBe("2\n");
  expect(readFileSync(join(dir, "a.bat"), "utf8")).toBe("2\r\n");
  expect(await trees.update(place, second, third)).toBeNull();
  await trees.build(place, third);
  expect(readFileSync(join(dir, "a.bat"), "utf8")).toBe("2\n");
  expect(readFileSync(join(dir, "b.txt"), "utf8")).toBe("1\r\n");
  expect(await trees.differences(place, third, true)).toEqual([]);
  expect(existsSync(proof)).toBe(false);
});

test.each([
  ["*.bat text eol=crlf\n", "1\r\n3\r\n"],
  ["*.bat text\n", "1\r\n3\n"],
  ["* text=auto eol=crlf\n", "1\r\n3\n"],
])(
  "a file with CRLF in the commit is written and verified, and edits are found: %s",
  async (attributes, text) => {
    const { trees, place, dir, commit } = workshop();
    const first = commit({ ".gitattributes": attributes, "a.bat": "1\r\n2\n", b: "1\n" });
    const second = commit({ "a.bat": "1\r\n3\n" });
    await trees.build(place, first);
    await trees.update(place, first, second);
    expect(readFileSync(join(dir, "a.bat"), "latin1")).toBe(text);
    expect(await trees.differences(place, second)).toEqual([]);
    expect(await trees.differences(place, second, true)).toEqual([]);
    writeFileSync(join(dir, "a.bat"), text.replace("3", "4"));
    expect(await trees.differences(place, second)).toEqual(["a.bat: needs update"]);
    rmSync(join(dir, "a.bat"));
    expect(await trees.differences(place, second)).toEqual(["a.bat: needs update"]);
  },
);

const ODD = ["a  ", "a   /b", " a", "!a", "#a", "a*b", "a[b]", "a\\", "a\\b", "a?b", "**", "-a", "a "];

test.each(ODD)("of a commit only %j, whatever that would be as a pattern", async (name) => {
  const { trees, place, dir, commit } = workshop([name]);
  const sha = commit({ [name]: "1", other: "1", "d/x": "1", aXb: "1", ab: "1", [`${name.trim()}x`]: "1" });
  await trees.build(place, sha);
  expect(filesBelow(dir)).toEqual([`100644 ${name} 1`]);
});

test("only the paths that are asked for", async () => {
  const { trees, place, dir, commit } = workshop(["docs", "a/b [x]", "file.txt"]);
  const first = commit({
    "docs/x/1": "1",
    "a/b [x]/2": "1",
    "a/other": "1",
    "file.txt": "1",
    "sub/docs/3": "1",
  });
  const second = commit({ "docs/x/1": "2", "docs/new": "2", "a/new": "2", "sub/docs/3": "2" });
  await trees.build(place, first);
  expect(filesBelow(dir)).toEqual(["100644 a/b [x]/2 1", "100644 docs/x/1 1", "100644 file.txt 1"]);
  await trees.update(place, first, second);
  const now = ["100644 a/b [x]/2 1", "100644 docs/new 2", "100644 docs/x/1 2", "100644 file.txt 1"];
  expect(filesBelow(dir)).toEqual(now);
  expect(await trees.differences(place, second)).toEqual([]);
  expect(await trees.differences(place, second, true)).toHaveLength(1);
});
