import { expect, test } from "vitest";
import { gitmodules, library, shownFiles, withSubmodules } from "../support/submodules.js";

const ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n";

test("a submodule whose repository was renamed is followed, with its files of LFS and its own submodules", async () => {
  const { standin, link, push, asked } = await withSubmodules({
    CHECKOUTS: "acme/app?submodules=recursive&lfs=yes",
  });
  const inner = await library(standin, "acme", "inner");
  const lib = await library(standin, "acme", "lib");
  const commit = await lib.write({
    ".gitattributes": ATTRIBUTES,
    ".gitmodules": gitmodules({ in: "../inner" }),
    in: { gitlink: await inner.write({ b: "1" }) },
    "a.bin": standin.lfs.put("big"),
  });
  standin.renameRepository(lib.repo, "core");
  standin.renameRepository(inner.repo, "inmost");
  await push({ ".gitmodules": gitmodules({ lib: "../lib" }), lib: { gitlink: commit } });
  expect(shownFiles(link())).toMatchObject({ "lib/a.bin": "big", "lib/in/b": "1" });
  expect(asked("core").length).toBeGreaterThan(0);
  // The commit is here, and what changes is asked for under the name that the repository has now.
  const next = await lib.write({ "a.bin": standin.lfs.put("bigger") });
  await push({ lib: { gitlink: next } });
  expect(shownFiles(link())["lib/a.bin"]).toBe("bigger");
});

test("a file of LFS that failed is asked for under the present name when its commit is here already", async () => {
  const { standin, link, push, refuse, world } = await withSubmodules({
    CHECKOUTS: "acme/app?submodules=yes&lfs=yes",
  });
  const lib = await library(standin, "acme", "lib");
  const pointer = standin.lfs.put("big");
  const commit = await lib.write({ ".gitattributes": ATTRIBUTES, "a.bin": pointer });
  standin.lfs.spoil(pointer, null);
  const body = await refuse({ ".gitmodules": gitmodules({ lib: "../lib" }), lib: { gitlink: commit } });
  expect(body.reason).toBe("lfs_missing");
  standin.lfs.spoil(pointer, "big");
  standin.renameRepository(lib.repo, "core");
  await push({ c: "1" });
  expect(shownFiles(link())).toMatchObject({ "lib/a.bin": "big", c: "1" });
  expect(world.log.filter(({ level }) => level === "error")).toEqual([]);
});

test("the mirror of a renamed repository is found by its id, and GitHub is not asked for its commit", async () => {
  const { standin, world, link, push, asked } = await withSubmodules({
    REPOSITORIES: "acme/*",
    CHECKOUTS: "acme/app?submodules=yes",
  });
  const lib = await library(standin, "acme", "lib");
  const commit = await lib.write({ a: "1" });
  standin.renameRepository(lib.repo, "core");
  world.sweep();
  await world.inStep(lib.repo);
  const before = asked("core").length;
  await push({ ".gitmodules": gitmodules({ lib: "../lib" }), lib: { gitlink: commit } });
  expect(shownFiles(link())["lib/a"]).toBe("1");
  expect(asked("core")).toHaveLength(before);
});

test("a renamed repository of another owner needs SUBMODULES_FROM under both names", async () => {
  const { standin, link, refuse, push } = await withSubmodules({
    SUBMODULES_FROM: "partner/*,acme/*,!partner/hidden",
  });
  const lib = await library(standin, "partner", "lib", { installation: null, private: false });
  const commit = await lib.write({ a: "1" });
  const files = { ".gitmodules": gitmodules({ lib: "../../partner/lib" }), lib: { gitlink: commit } };
  for (const [name, owner, why] of [
    ["lib", "stranger", "SUBMODULES_FROM does not include stranger/lib"],
    ["hidden", "partner", "SUBMODULES_FROM excludes partner/hidden"],
  ] as const) {
    standin.renameRepository(lib.repo, name, owner);
    const body = await refuse({ ...files, n: name });
    expect(body).toMatchObject({ reason: "submodule_refused" });
    expect(JSON.stringify(body)).toContain(why);
  }
  standin.renameRepository(lib.repo, "core", "partner");
  await push({ n: "now" });
  expect(shownFiles(link())["lib/a"]).toBe("1");
});

test("a repository that moved away from the installation is not followed without SUBMODULES_FROM", async () => {
  const { standin, refuse } = await withSubmodules();
  const lib = await library(standin, "acme", "lib", { private: false });
  const commit = await lib.write({ a: "1" });
  standin.renameRepository(lib.repo, "lib", "elsewhere");
  const body = await refuse({ ".gitmodules": gitmodules({ lib: "../lib" }), lib: { gitlink: commit } });
  expect(JSON.stringify(body)).toContain("SUBMODULES_FROM does not include elsewhere/lib");
});
