import { mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ZERO } from "../../../src/base/model.js";
import { matchesPattern } from "../../../src/base/patterns.js";
import { applyChanges } from "../../../src/git/mirror/apply-changes.js";
import { readRefs, swapRefs } from "../../../src/git/mirror/refs.js";
import { bareRepository, plainGit, realGit } from "../../support/git.js";
import { tempDir } from "../../support/temp.js";
import { commitAnyPath, commitFiles } from "../../support/trees.js";

const T = { timeoutMs: 600_000 };
const OTHER = "1".repeat(40);

/** Writes a working tree, and compares it with its index. */
async function writeTree(dir: string, commit: string) {
  const workTree = { dir: tempDir(), index: join(tempDir(), "index") };
  const call = { gitDir: dir, workTree, config: { "core.bare": "false" }, ...T };
  await realGit()({ args: ["read-tree", "-m", "-u", commit], ...call });
  await realGit()({ args: ["diff-files", "--quiet"], ...call });
}

/** Real git produces each failure, so no wording is invented here. */
const FAILURES: [string, string, (dir: string, commit: string) => Promise<unknown>][] = [
  [
    "tip_moved",
    "a ref is not where it was expected",
    (dir, commit) => swapRefs(realGit(), dir, [{ ref: "refs/heads/main", before: OTHER, after: commit }]),
  ],
  [
    "tip_moved",
    "a ref to be created exists",
    (dir, commit) => swapRefs(realGit(), dir, [{ ref: "refs/heads/main", before: ZERO, after: commit }]),
  ],
  [
    "tip_moved",
    "a ref to be moved is gone",
    (dir, commit) => swapRefs(realGit(), dir, [{ ref: "refs/heads/none", before: commit, after: commit }]),
  ],
  [
    "ref_conflict",
    "a name is a directory of another",
    (dir, commit) => swapRefs(realGit(), dir, [{ ref: "refs/heads/main/sub", before: ZERO, after: commit }]),
  ],
  [
    "ref_conflict",
    "a name is a directory of another one of the same transaction",
    (dir, commit) =>
      swapRefs(
        realGit(),
        dir,
        ["refs/heads/a", "refs/heads/a/b"].map((ref) => ({ ref, before: ZERO, after: commit })),
      ),
  ],
  [
    "locked",
    "a lock is held",
    (dir, commit) => {
      writeFileSync(join(dir, "refs/heads/main.lock"), "");
      return swapRefs(realGit(), dir, [{ ref: "refs/heads/main", before: commit, after: ZERO }]);
    },
  ],
  [
    "corrupt",
    "the object of a ref is not there",
    (dir, commit) => swapRefs(realGit(), dir, [{ ref: "refs/heads/main", before: commit, after: OTHER }]),
  ],
  [
    "corrupt",
    "it is not a repository",
    (dir) => {
      rmSync(join(dir, "HEAD"));
      return realGit()({ args: ["for-each-ref"], gitDir: dir, ...T });
    },
  ],
  [
    "corrupt",
    "an object is empty",
    (dir, commit) => {
      truncateSync(join(dir, "objects", commit.slice(0, 2), commit.slice(2)), 0);
      return realGit()({ args: ["cat-file", "-p", commit], gitDir: dir, ...T });
    },
  ],
  [
    "corrupt",
    "an object is garbage",
    (dir, commit) => {
      const path = join(dir, "objects", commit.slice(0, 2), commit.slice(2));
      rmSync(path);
      writeFileSync(path, "garbage");
      return realGit()({ args: ["cat-file", "-p", commit], gitDir: dir, ...T });
    },
  ],
  [
    "corrupt",
    "packed-refs is garbage",
    (dir) => {
      writeFileSync(join(dir, "packed-refs"), "garbage\n");
      return realGit()({ args: ["for-each-ref"], gitDir: dir, ...T });
    },
  ],
  [
    "corrupt",
    "packed-refs is cut",
    (dir) => {
      plainGit(dir, "pack-refs", "--all");
      const path = join(dir, "packed-refs");
      truncateSync(path, statSync(path).size - 20);
      return realGit()({ args: ["for-each-ref"], gitDir: dir, ...T });
    },
  ],
  [
    "corrupt",
    "the file of a ref is empty, and the ref is to be moved",
    (dir, commit) => {
      truncateSync(join(dir, "refs/heads/main"), 0);
      return swapRefs(realGit(), dir, [{ ref: "refs/heads/main", before: commit, after: OTHER }]);
    },
  ],
  [
    "corrupt",
    "the file of a ref is empty, and refs are read",
    (dir) => {
      truncateSync(join(dir, "refs/heads/main"), 0);
      return readRefs(realGit(), dir, []);
    },
  ],
  [
    "corrupt",
    "the object of a ref is missing, and refs are read",
    (dir, commit) => {
      rmSync(join(dir, "objects", commit.slice(0, 2), commit.slice(2)));
      return readRefs(realGit(), dir, []);
    },
  ],
  [
    "corrupt",
    "the config is garbage",
    (dir) => {
      writeFileSync(join(dir, "config"), "[core\n");
      return realGit()({ args: ["for-each-ref"], gitDir: dir, ...T });
    },
  ],
  [
    "tree_refused",
    "a path that is git's own",
    (dir) => writeTree(dir, commitAnyPath(dir, "a/.git/config", "")),
  ],
  [
    "tree_refused",
    "a .gitmodules that cannot be read",
    (dir) =>
      writeTree(dir, commitFiles(dir, { ".gitmodules": "[submodule\n", s: { mode: "160000", data: OTHER } })),
  ],
  [
    "unreachable",
    "no server listens",
    () => realGit()({ args: ["ls-remote", "http://127.0.0.1:9/a/b.git"], gitDir: null, ...T }),
  ],
];

const REFUSED: typeof FAILURES = [
  [
    "ref_refused",
    "a name too long for its lock",
    (dir, commit) =>
      swapRefs(realGit(), dir, [{ ref: `refs/heads/${"l".repeat(251)}`, before: ZERO, after: commit }]),
  ],
  [
    "ref_refused",
    "a file in the place of a ref's directory",
    (dir, commit) => {
      writeFileSync(join(dir, "refs/notes"), "no ref");
      return swapRefs(realGit(), dir, [{ ref: "refs/notes/new", before: ZERO, after: commit }]);
    },
  ],
  [
    "ref_refused",
    "a name that is none",
    (dir, commit) => swapRefs(realGit(), dir, [{ ref: "refs/heads/a..b", before: ZERO, after: commit }]),
  ],
];

test.each([...FAILURES, ...REFUSED])("%s: %s", async (code, _, provoke) => {
  const { dir, commit } = bareRepository();
  await expect(provoke(dir, commit)).rejects.toMatchObject({ code });
});

test("a transaction is all or nothing, and deletions make room for what follows", async () => {
  const { dir, commit } = bareRepository();
  const git = realGit();
  const half = [
    { ref: "refs/heads/new", before: ZERO, after: commit },
    { ref: "refs/heads/main", before: OTHER, after: commit },
  ];
  await expect(swapRefs(git, dir, half)).rejects.toMatchObject({ code: "tip_moved" });
  expect(plainGit(dir, "for-each-ref", "--format=%(refname)")).toBe("refs/heads/main");
  await applyChanges(git, dir, [
    { ref: "refs/heads/main/sub", before: ZERO, after: commit },
    { ref: "refs/heads/main", before: commit, after: ZERO },
  ]);
  expect(plainGit(dir, "for-each-ref", "--format=%(refname)")).toBe("refs/heads/main/sub");
});

test("refs with odd but legal names go through", async () => {
  const { dir, commit } = bareRepository();
  const names = [
    "refs/heads/ümlaut",
    "refs/heads/a b".replace(" ", "-"),
    "refs/heads/$(id)",
    "refs/tags/v1;rm",
  ];
  await applyChanges(
    realGit(),
    dir,
    names.map((ref) => ({ ref, before: ZERO, after: commit })),
  );
  expect(plainGit(dir, "for-each-ref", "--format=%(refname)").split("\n")).toHaveLength(5);
  mkdirSync(join(dir, "x"));
  expect(readdirSync(dir)).not.toContain("v1");
});

test.each([
  ["refs/heads/main", ["refs/heads/*"], true],
  ["refs/heads/a/b", ["refs/heads/*"], true],
  ["refs/pull/1/head", ["refs/pull/*/head"], true],
  ["refs/pull/1/merge", ["refs/pull/*/head"], false],
  ["refs/notes/x", ["refs/heads/*", "refs/tags/*"], false],
  ["refs/notes/x", ["refs/notes/x"], true],
])("%s inside %j: %s", (ref, patterns, inside) => {
  expect(matchesPattern(ref, patterns)).toBe(inside);
});
