import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import type { StreamGit } from "../../../src/git/run/stream.js";
import { countEntries } from "../../../src/git/tree/count.js";
import { createRecount } from "../../../src/git/tree/recount.js";
import { bareRepository, streamingGit } from "../../support/git.js";
import { commitFiles } from "../../support/trees.js";

const UNBOUNDED = { entries: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
const from = (gitDir: string) => ({ gitDir, timeoutMs: 600_000 });

test("files, directories and bytes are counted, below some paths or all", async () => {
  const { dir } = bareRepository();
  const commit = commitFiles(dir, { "a/b/c": "123", "a/d": "12", e: "1" });
  const call = { commit, most: UNBOUNDED };
  const git = streamingGit();
  expect(await countEntries(git, from(dir), { ...call, paths: [] })).toEqual({ entries: 5, bytes: 6 });
  expect(await countEntries(git, from(dir), { ...call, paths: ["a/b"] })).toMatchObject({ bytes: 3 });
  expect(await countEntries(git, from(dir), { ...call, paths: [], countsBytes: false })).toEqual({
    entries: 5,
    bytes: 0,
  });
});

test("ten billion directories are counted no further than the budget", async () => {
  const { dir } = bareRepository();
  const mktree = (input: string) => execFileSync("git", ["-C", dir, "mktree"], { input }).toString().trim();
  let tree = mktree("");
  for (let level = 0; level < 10; level++)
    tree = mktree(Array.from({ length: 10 }, (_, n) => `040000 tree ${tree}\t${n}\n`).join(""));
  const { entries } = await countEntries(streamingGit(), from(dir), {
    commit: tree,
    paths: [],
    most: { entries: 1_000, bytes: 1 },
  });
  expect(entries).toBeGreaterThan(1_000);
  expect(entries).toBeLessThan(200_000);
});

test("a failure of git is no count", async () => {
  const { dir } = bareRepository();
  await expect(
    countEntries(streamingGit(), from(dir), { commit: "1".repeat(40), paths: [], most: UNBOUNDED }),
  ).rejects.toThrow();
});

test.each([
  ["with git", false, ["ls-tree", "diff-tree", "cat-file"]],
  ["without git", true, ["ls-tree"]],
])(
  "a later commit costs what it changes, and is never counted as less than it has: %s",
  async (_, direct, ran) => {
    const { dir } = bareRepository();
    const asked: string[] = [];
    const real = streamingGit();
    const git: StreamGit = (call) => {
      asked.push(call.args.find((arg) => /^[a-z]/.test(arg))!);
      return real(call);
    };
    const recount = createRecount(git, { direct });
    const count = (commit: string, most = UNBOUNDED) =>
      recount("app", from(dir), { commit, paths: [], most });
    const first = commitFiles(dir, { "a/b": "123", c: "1" });
    const second = commitFiles(dir, { "a/b": "1234", c: "1", d: "12" });
    expect(await count(first)).toEqual({ entries: 3, bytes: 4 });
    expect(await count(second)).toEqual({ entries: 6, bytes: 10 });
    expect(await count(second)).toEqual({ entries: 6, bytes: 10 });
    expect(asked).toEqual(ran);
    // The bound exceeds this budget, and the commit does not.
    expect(await count(first, { entries: 5, bytes: 10 })).toEqual({ entries: 3, bytes: 4 });
  },
);
