import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isAncestorNearby } from "../../../src/git/objects/near-history.js";
import { createBudget } from "../../../src/git/objects/object.js";
import { createReadStored } from "../../../src/git/objects/stored.js";
import { bareRepository, commits, PATH, plainGit } from "../../support/git.js";

const ask = (dir: string, ancestor: string, descendant: string) =>
  isAncestorNearby(createReadStored(join(dir, "objects"), createBudget()), ancestor, descendant);

/** Makes a commit for each list of parents, which are places in the same list. @returns the commits */
function history(dir: string, parents: number[][]): string[] {
  const names: string[] = [];
  for (const [n, of] of parents.entries()) {
    const from = [...new Set(of)].flatMap((parent) => ["-p", names[parent % n]!]);
    const tree = plainGit(dir, "rev-parse", "line^{tree}");
    names.push(plainGit(dir, "commit-tree", tree, "-m", `${n}`, ...(n === 0 ? [] : from)));
  }
  return names;
}

function gitSays(dir: string, ancestor: string, descendant: string): boolean {
  try {
    const env = { PATH, GIT_DIR: dir };
    execFileSync("git", ["merge-base", "--is-ancestor", ancestor, descendant], { env, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("whatever the history, an answer is git's answer", async () => {
  const parents = fc.array(fc.array(fc.nat(40), { maxLength: 3 }), { minLength: 2, maxLength: 30 });
  const { dir } = bareRepository();
  commits(dir, "line", 1);
  await fc.assert(
    fc.asyncProperty(parents, fc.nat(), fc.nat(), async (of, a, b) => {
      const names = history(dir, of);
      const [ancestor, descendant] = [names[a % names.length]!, names[b % names.length]!];
      const answer = await ask(dir, ancestor, descendant);
      if (answer !== null) expect(answer).toBe(gitSays(dir, ancestor, descendant));
    }),
    { numRuns: 15 },
  );
});

test("a push of a few commits is known in both directions, loose and packed", async () => {
  const { dir } = bareRepository();
  const last = commits(dir, "line", 10);
  const first = plainGit(dir, "rev-parse", `${last}~8`);
  for (const isPacked of [false, true]) {
    if (isPacked) plainGit(dir, "repack", "-a", "-d", "-q");
    expect(await ask(dir, first, last)).toBe(true);
    expect(await ask(dir, last, first)).toBe(false);
    expect(await ask(dir, last, last)).toBe(true);
  }
});

test("a long way, another history, a missing commit and what is no commit are git's to answer", async () => {
  const { dir } = bareRepository();
  const last = commits(dir, "line", 60);
  const other = history(dir, [[]])[0]!;
  const tree = plainGit(dir, "rev-parse", `${last}^{tree}`);
  expect(await ask(dir, plainGit(dir, "rev-parse", `${last}~50`), last)).toBe(null);
  expect(await ask(dir, other, last)).toBe(null);
  for (const odd of ["1".repeat(40), tree]) {
    expect(await ask(dir, odd, last)).toBe(null);
    expect(await ask(dir, last, odd)).toBe(null);
  }
  const parent = plainGit(dir, "rev-parse", `${last}^`);
  rmSync(join(dir, "objects", parent.slice(0, 2), parent.slice(2)), { force: true });
  expect(await ask(dir, parent, last)).toBe(null);
});
