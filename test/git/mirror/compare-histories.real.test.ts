import { readdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { areAncestors, isAncestor, mayBeAncestor, mayBeAncestors } from "../../../src/git/mirror/ancestry.js";
import type { RunGit } from "../../../src/git/run/exec.js";
import { bareRepository, commits, plainGit, realGit } from "../../support/git.js";
import { tempDir } from "../../support/temp.js";

const GONE = "1".repeat(40);

/** Counts the processes that a run of git starts. */
function counting(): { git: RunGit; count(): number } {
  const real = realGit();
  let started = 0;
  const git: RunGit = (call) => {
    started++;
    return real(call);
  };
  return { git, count: () => started };
}

function history() {
  const { dir } = bareRepository();
  const line = commits(dir, "line", 4);
  const side = commits(dir, "side", 2);
  const shas = [`${line}~3`, `${line}~1`, line, side, `${line}^{tree}`].map((it) =>
    plainGit(dir, "rev-parse", it),
  );
  return { dir, shas: [...shas, GONE] };
}

test.each([false, true])(
  "one git answers for every pair what git answers for each (shallow: %s)",
  async (isShallow) => {
    const { dir, shas } = history();
    const within = { gitDir: dir, timeoutMs: 600_000 };
    if (isShallow) {
      const clone = `${tempDir()}/clone.git`;
      plainGit(dir, "config", "uploadpack.allowAnySHA1InWant", "true");
      plainGit(dir, "clone", "-q", "--bare", "--depth=1", "--no-single-branch", `file://${dir}`, clone);
      within.gitDir = clone;
    }
    const pairs = shas.flatMap((a) => shas.map((b) => [a, b] as const)).filter(([a, b]) => a !== b);
    for (const [together, each, most] of [
      [areAncestors, isAncestor, 1],
      [mayBeAncestors, mayBeAncestor, 2],
    ] as const) {
      const { git, count } = counting();
      const expected = [];
      for (const pair of pairs) expected.push(await each(realGit(), within, ...pair));
      expect(await together(git, within, pairs)).toEqual(expected);
      expect(count()).toBeLessThanOrEqual(most);
    }
    expect(readdirSync(dirname(within.gitDir)).filter((name) => name.startsWith("ancestry-"))).toEqual([]);
  },
);

test("a history with a hole hides no other answer", async () => {
  const { dir, shas } = history();
  const [first, second, third, side] = shas as [string, string, string, string];
  const hollow = plainGit(
    dir,
    "-c",
    "user.name=a",
    "-c",
    "user.email=a@b",
    "commit-tree",
    "-p",
    side,
    "-m",
    "x",
    `${third}^{tree}`,
  );
  rmSync(`${dir}/objects/${side.slice(0, 2)}/${side.slice(2)}`);
  const pairs = [
    [first, second],
    [second, hollow],
    [second, third],
    [third, first],
  ] as const;
  const within = { gitDir: dir, timeoutMs: 600_000 };
  expect(await areAncestors(realGit(), within, [...pairs])).toEqual([true, false, true, false]);
});
