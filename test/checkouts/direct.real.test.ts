import { copyFileSync, readFileSync, realpathSync } from "node:fs";
import { expect, test } from "vitest";
import { notingGit } from "../support/noting-git.js";
import { expectTree, published, treesOf, vetoing } from "../support/published.js";

/** The commands of git that a small push needs, once both trees of the pool are there. */
async function commandsOf(env: Record<string, string> = {}): Promise<string[]> {
  const git = notingGit();
  const { world, repo, link, push } = await published({
    GIT_BINARY: git.binary,
    CHECKOUT_GRACE: "0s",
    ...env,
  });
  for (let n = 0; n < 3; n++) await push({ "dir/file": `${n}\n` });
  git.forget();
  const sha = await push({ "dir/file": "changed\n" });
  expectTree(world, repo, link(), sha);
  // The state is asked for meanwhile, which lists refs.
  return git.noted().filter((name) => name !== "" && name !== "for-each-ref");
}

test("a small push is published without git; git brings the index in step", async () => {
  expect(await commandsOf()).toEqual(["update-index", "diff-index"]);
});

test("DIRECT_FETCH=no, and a pre-publish hook, which may change the tree: git writes the files", async () => {
  // The first argument of a restore is an option.
  const ways: Record<string, string>[] = [{ DIRECT_FETCH: "no" }, { PRE_PUBLISH_HOOK: vetoing() }];
  for (const env of ways) expect(await commandsOf(env)).toContain("--literal-pathspecs");
});

test("a tree whose index was not its commit's is replaced once that is found", async () => {
  const { world, repo, link, push } = await published({ CHECKOUT_GRACE: "0s" });
  await push({ "dir/file": "0\n" });
  const index = (n: string) => `${realpathSync(link()).replace(/\d+$/, n)}.index`;
  const first = realpathSync(link()).endsWith("/1") ? "1" : "2";
  const other = first === "1" ? "2" : "1";
  await push({ "dir/file": "1\n", more: "1\n" });
  // The tree that is next in turn gets the index of the other one, which is a commit ahead.
  copyFileSync(index(other), index(first));
  const sha = await push({ "dir/file": "2\n" });
  expectTree(world, repo, link(), sha);
  expect(readFileSync(`${link()}/more`, "utf8")).toBe("1\n");
  expect(treesOf(world, repo).length).toBeGreaterThan(1);
});
