import { expect, test } from "vitest";
import { isAncestor, mayBeAncestor } from "../../../src/git/mirror/ancestry.js";
import { bareRepository, commits, plainGit, realGit } from "../../support/git.js";
import { tempDir } from "../../support/temp.js";

const GONE = "1".repeat(40);

/** Makes a repository whose branch has three commits, oldest first. */
function three() {
  const { dir } = bareRepository();
  const last = commits(dir, "line", 3);
  const shas = [2, 1, 0].map((steps) => plainGit(dir, "rev-parse", `${last}~${steps}`));
  return { dir, shas: shas as [string, string, string] };
}

test("a commit is an ancestor of its descendants only", async () => {
  const { dir, shas } = three();
  const within = { gitDir: dir, timeoutMs: 600_000 };
  const [first, second] = shas;
  for (const asked of [isAncestor, mayBeAncestor]) {
    expect(await asked(realGit(), within, first, second)).toBe(true);
    expect(await asked(realGit(), within, second, first)).toBe(false);
    expect(await asked(realGit(), within, GONE, second)).toBe(false);
  }
});

test("where history ends too early, only a younger commit is surely not an ancestor", async () => {
  const { dir, shas } = three();
  const [first, second, third] = shas;
  const shallow = tempDir();
  plainGit(shallow, "init", "-q", "--bare", shallow);
  plainGit(dir, "config", "uploadpack.allowAnySHA1InWant", "true");
  for (const sha of [first, third])
    plainGit(shallow, "fetch", "-q", "--depth=1", `file://${dir}`, `${sha}:refs/heads/${sha}`);
  const within = { gitDir: shallow, timeoutMs: 600_000 };
  expect(await isAncestor(realGit(), within, first, third)).toBe(false);
  expect(await mayBeAncestor(realGit(), within, first, third)).toBe(true);
  expect(await mayBeAncestor(realGit(), within, third, first)).toBe(false);
  expect(await mayBeAncestor(realGit(), within, second, third)).toBe(false);
});
