import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { expect, test } from "vitest";
import type { Repo } from "../../tools/standin/index.js";
import { objectsOf } from "../support/git.js";
import { post } from "../support/history.js";
import { untilState } from "../support/state.js";
import { gitmodules, library, shownFiles, withSubmodules } from "../support/submodules.js";

const git = (repo: Repo, args: string[], input = "") =>
  execFileSync("git", ["-C", repo.dir, "-c", "user.name=a", "-c", "user.email=a@b", ...args], { input })
    .toString()
    .trim();

/** Makes a tree that has its predecessor ten times, so many levels deep. */
function bomb(repo: Repo, levels: number, innermost: string): string {
  let tree = git(repo, ["mktree"], innermost);
  for (let level = 0; level < levels; level++) {
    const entries = Array.from({ length: 10 }, (_, n) => `040000 tree ${tree}\t${n}\n`);
    tree = git(repo, ["mktree"], entries.join(""));
  }
  return tree;
}

async function withBudget(env: Record<string, string>) {
  const setup = await withSubmodules({ CHECKOUTS: "acme/app?submodules=recursive", ...env });
  const { world, repo, link } = setup;
  /** Refreshes a main with this tree, and expects that the old tree stays. */
  const refused = async (tree: string) => {
    const before = realpathSync(link());
    git(repo, ["update-ref", "refs/heads/main", git(repo, ["commit-tree", "-m", "x", "-p", "main", tree])]);
    const { body } = await post(world, repo, "refresh?wait=30s");
    expect(realpathSync(link())).toBe(before);
    expect(body.reason).toBe("tree_too_large");
    const shown = await untilState(world, "acme/app", ({ lastError }) => lastError !== null);
    return shown.lastError.message as string;
  };
  return { ...setup, refused };
}

test("submodules 20 wide and 8 deep are counted once each, and refused by name of the budget", async () => {
  const { standin, refuse, link, world } = await withBudget({});
  const lib = await library(standin, "acme", "lib");
  const paths = Array.from({ length: 20 }, (_, n) => `s${n}`);
  const modules = gitmodules(Object.fromEntries(paths.map((path) => [path, "../lib"])));
  let commit = await lib.write({ a: "1" });
  const wide = () => ({
    ".gitmodules": modules,
    ...Object.fromEntries(paths.map((path) => [path, { gitlink: commit }])),
  });
  for (let level = 0; level < 7; level++) commit = await lib.write(wide());
  const before = realpathSync(link());
  standin.clearCounters();
  expect((await refuse(wide())).reason).toBe("tree_too_large");
  expect(standin.gitRequests.filter(({ path }) => path.startsWith("/acme/lib")).length).toBeLessThan(20);
  expect(realpathSync(link())).toBe(before);
  const { lastError } = await untilState(world, "acme/app", (shown) => shown.lastError !== null);
  expect(lastError.message).toMatch(
    /has more than 1000 submodules, .*; CHECKOUT_MAX_SUBMODULES sets this budget/,
  );
});

test("nesting has a budget, and a tree within it is published", async () => {
  const { standin, push, refuse, link } = await withBudget({
    CHECKOUT_MAX_DEPTH: "2",
    CHECKOUT_MAX_SUBMODULES: "3",
  });
  const lib = await library(standin, "acme", "lib");
  const first = await lib.write({ a: "1" });
  const modules = gitmodules({ in: "../lib" });
  const second = await lib.write({ ".gitmodules": modules, in: { gitlink: first } });
  const third = await lib.write({ in: { gitlink: second } });
  await push({
    ".gitmodules": gitmodules({ lib: "../lib", other: "../lib" }),
    lib: { gitlink: second },
    other: { gitlink: first },
  });
  expect(shownFiles(link())).toMatchObject({ "lib/in/a": "1", "other/a": "1" });
  expect((await refuse({ lib: { gitlink: third }, other: null })).reason).toBe("tree_too_large");
});

test("trees of some hundred bytes that stand for many files or directories are refused before they are written", async () => {
  const { repo, refused } = await withBudget({ CHECKOUTS: "acme/app", CHECKOUT_MAX_FILES: "1000" });
  const blob = git(repo, ["hash-object", "-w", "--stdin"], "1");
  expect(await refused(bomb(repo, 5, `100644 blob ${blob}\tf\n`))).toMatch(
    /has more than 1000 files and directories, .*; CHECKOUT_MAX_FILES sets this budget/,
  );
  // Empty directories count, too.
  await refused(bomb(repo, 3, ""));
});

test("the size of files has a budget, and what a partial mirror lacks is not asked for before the files are counted", async () => {
  const { repo, push, refused, world } = await withBudget({
    CHECKOUTS: "acme/app?filter=blob:none",
    CHECKOUT_MAX_FILES: "100",
    CHECKOUT_MAX_SIZE: "1MiB",
  });
  await push({ small: "1" });
  const many = git(repo, ["hash-object", "-w", "--stdin"], "many times");
  await refused(bomb(repo, 3, `100644 blob ${many}\tf\n`));
  expect(objectsOf(world.mirror(repo))).not.toContain(many);
  const big = git(repo, ["hash-object", "-w", "--stdin"], "x".repeat(2 ** 20 + 1));
  expect(await refused(bomb(repo, 0, `100644 blob ${big}\tf\n`))).toMatch(
    /is larger than 1MiB, .*CHECKOUT_MAX_SIZE/,
  );
});
