import { mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compare, post } from "../support/history.js";
import { stateOf } from "../support/state.js";
import { gitmodules, library, shownFiles, withSubmodules } from "../support/submodules.js";
import { tempDir } from "../support/temp.js";
import { commitAnyPath, commitFiles, filesBelow, type NewFile } from "../support/trees.js";

const NOWHERE = "1".repeat(40);
const gitlink = (data: string): NewFile => ({ mode: "160000", data });

test.each([
  ["another host", "https://elsewhere.example.com/acme/lib.git"],
  ["this machine", "file:///etc"],
  ["a program", "ext::sh -c touch% /tmp/pwned"],
  ["an option", "--upload-pack=/bin/true"],
  ["too far up", "../../../lib"],
  ["below the repository", "./lib"],
  ["a name that cannot be", "../..%2f..%2fetc"],
])("a URL that means %s is refused, and the old tree stays", async (_, url) => {
  const { link, refuse, push, asked } = await withSubmodules();
  await push({ a: "1" });
  const tree = realpathSync(link());
  const body = await refuse({ ".gitmodules": gitmodules({ "libs/x": url }), "libs/x": { gitlink: NOWHERE } });
  expect(body.reason).toBe("submodule_refused");
  expect(JSON.stringify(body)).toContain('submodule \\"libs/x\\"');
  expect(realpathSync(link())).toBe(tree);
  expect(asked("lib")).toEqual([]);
});

test("another owner's repository needs SUBMODULES_FROM, and a password in a URL is never shown", async () => {
  const { standin, repo, world, link, refuse } = await withSubmodules();
  const lib = await library(standin, "partner", "lib", { installation: null, private: false });
  const url = `https://mona:hunter2@${standin.host}/partner/lib.git`;
  const files = { ".gitmodules": gitmodules({ lib: url }), lib: { gitlink: await lib.write({ a: "1" }) } };
  const body = await refuse(files);
  expect(body.reason).toBe("submodule_refused");
  expect(JSON.stringify(body)).toMatch(/SUBMODULES_FROM does not include partner\/lib/);
  expect(JSON.stringify([body, world.log, await stateOf(world, "acme/app")])).not.toContain("hunter2");

  await world.stop();
  await world.start({ SUBMODULES_FROM: "partner/*" });
  await compare(world, repo);
  expect(shownFiles(link())).toMatchObject({ "lib/a": "1" });
});

test("an allowed owner that has the App is read with its own installation's token", async () => {
  const { standin, link, push, world } = await withSubmodules({
    ...{ REPOSITORIES: "acme/app,partner/known", SUBMODULES_FROM: "partner/*,!partner/secret" },
  });
  const lib = await library(standin, "partner", "lib");
  const known = await standin.createRepository("partner", "known");
  world.sweep();
  await world.inStep(known);
  await push({
    ".gitmodules": gitmodules({ lib: "../../partner/lib" }),
    lib: { gitlink: await lib.write({ a: "1" }) },
  });
  expect(shownFiles(link())).toMatchObject({ "lib/a": "1" });
});

test("SUBMODULES_FROM can exclude repositories of the installation", async () => {
  const { standin, refuse } = await withSubmodules({ SUBMODULES_FROM: "!acme/secret" });
  const lib = await library(standin, "acme", "secret");
  const body = await refuse({
    ".gitmodules": gitmodules({ lib: "../secret" }),
    lib: { gitlink: await lib.write({ a: "1" }) },
  });
  expect(body.reason).toBe("submodule_refused");
});

test("a foreign submodule does not lead back to the installation's own repositories", async () => {
  const { standin, refuse } = await withSubmodules({
    ...{ CHECKOUTS: "acme/app?submodules=recursive", SUBMODULES_FROM: "partner/*" },
  });
  const secret = await library(standin, "acme", "secret");
  const lib = await library(standin, "partner", "lib", { installation: null, private: false });
  const commit = await lib.write({
    ".gitmodules": gitmodules({ in: "../../acme/secret" }),
    in: { gitlink: await secret.write({ a: "secret" }) },
  });
  const body = await refuse({
    ".gitmodules": gitmodules({ lib: "../../partner/lib" }),
    lib: { gitlink: commit },
  });
  expect(JSON.stringify(body)).toMatch(/SUBMODULES_FROM does not include acme\/secret/);
});

test("a commit that GitHub lacks is waited for; a repository that it does not show is not", async () => {
  const { standin, repo, world, link, refuse } = await withSubmodules();
  const lib = await library(standin, "acme", "lib");
  await lib.write({ a: "0" });
  const modules = gitmodules({ lib: "../lib" });
  const late = await standin.commitObject(lib.repo, { files: { a: "late" } });
  const gone = join(lib.repo.dir, "objects", late.slice(0, 2), late.slice(2));
  const bytes = readFileSync(gone);
  rmSync(gone);
  const missing = await refuse({ ".gitmodules": modules, lib: { gitlink: late } });
  expect(missing.reason).toBe("submodule_missing");
  mkdirSync(join(gone, ".."), { recursive: true });
  writeFileSync(gone, bytes);
  await compare(world, repo);
  expect(shownFiles(link())).toMatchObject({ "lib/a": "late" });
  const absent = await refuse({ ".gitmodules": gitmodules({ lib: "../absent" }), lib: { gitlink: NOWHERE } });
  expect(absent.reason).toBe("submodule_refused");
  expect(JSON.stringify(absent)).toContain("acme/absent is not visible to the App");
});

test("hostile names and paths stay inside the tree", async () => {
  const { standin, repo, world, link } = await withSubmodules();
  const outside = tempDir();
  const lib = await library(standin, "acme", "lib");
  const commit = await lib.write({ f: "1" });
  const urls = Object.fromEntries(
    ["lib", "a/sub", "../up", "/abs", ".git/hooks", "x\\\\y", ":(top)z"].map((path) => [path, "../lib"]),
  );
  commitFiles(repo.dir, {
    ".gitmodules": `${gitmodules(urls, { lib: "../../../modules" })}[include]\n\tpath = /etc/passwd\n`,
    a: { mode: "120000", data: outside },
    lib: gitlink(commit),
    "x\\y": gitlink(commit),
    ":(top)z": gitlink(commit),
  });
  await compare(world, repo);
  expect(shownFiles(link())).toMatchObject({ "lib/f": "1", a: outside, "x\\y/f": "1", ":(top)z/f": "1" });
  expect(filesBelow(outside)).toEqual([]);
});

test("a submodule that contains its own .git is not written", async () => {
  const { standin, repo, world, link, push } = await withSubmodules();
  await push({ a: "1" });
  const tree = realpathSync(link());
  const lib = await library(standin, "acme", "lib");
  await lib.write({ f: "1" });
  const commit = commitAnyPath(lib.repo.dir, ".git/config", "[core]\n\tfsmonitor = /bin/true\n");
  commitFiles(repo.dir, { ".gitmodules": gitmodules({ lib: "../lib" }), lib: gitlink(commit) });
  expect((await post(world, repo, "refresh?wait=30s")).body.reason).toBe("tree_refused");
  expect(realpathSync(link())).toBe(tree);
});

test.each([
  ["yes", "submodule_refused"],
  ["no", "tree_refused"],
])(
  "a .gitmodules that git cannot read is refused, submodules=%s, and the mirror stays",
  async (option, code) => {
    const { world, repo, refuse } = await withSubmodules({ CHECKOUTS: `acme/app?submodules=${option}` });
    const before = statSync(world.mirror(repo)).ino;
    const body = await refuse({ ".gitmodules": "[submodule\n", lib: { gitlink: NOWHERE } });
    expect(body.reason).toBe(code);
    expect(statSync(world.mirror(repo)).ino).toBe(before);
  },
);
