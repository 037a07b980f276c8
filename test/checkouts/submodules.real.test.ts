import { existsSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compare } from "../support/history.js";
import { published } from "../support/published.js";
import { untilState } from "../support/state.js";
import { gitmodules, library, shownFiles, withSubmodules } from "../support/submodules.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

test("without the option a submodule is an empty directory, as git has it", async () => {
  const { standin, link, push } = await published();
  const lib = await library(standin, "acme", "lib");
  const commit = await lib.write({ a: "1" });
  await push({ ".gitmodules": gitmodules({ lib: "../lib.git" }), lib: { gitlink: commit } });
  expect(Object.keys(shownFiles(link()))).not.toContain("lib/a");
  expect(existsSync(join(link(), "lib"))).toBe(true);
});

test("submodules of the same installation, by every form of their URL", async () => {
  const { standin, link, push, world, base } = await withSubmodules();
  const urls: Record<string, string> = {
    "libs/relative": "../lib-0.git",
    "libs/https": `${standin.url}/acme/lib-1.git`,
    "libs/plain": `${standin.url}/acme/lib-2/`,
    "with space": "git@127.0.0.1:acme/lib-3.git",
    ssh: "ssh://git@127.0.0.1/acme/lib-4.git",
  };
  const files: Parameters<typeof push>[0] = { ".gitmodules": gitmodules(urls) };
  for (const [n, path] of Object.keys(urls).entries()) {
    const lib = await library(standin, "acme", `lib-${n}`);
    await lib.write({ old: "gone" });
    files[path] = { gitlink: await lib.write({ old: null, "d/a": `${n}` }) };
  }
  await push(files);
  const shown = shownFiles(link());
  expect(shown).toMatchObject({ "libs/relative/d/a": "0", "libs/https/d/a": "1", "libs/plain/d/a": "2" });
  expect(shown["ssh/d/a"]).toBe("4");
  expect(existsSync(join(link(), "with space/d/a"))).toBe(true);
  expect(Object.keys(shown).some((path) => path.endsWith("old"))).toBe(false);
  // The option is off again, so objects and files are removed.
  await world.stop();
  await world.start({ CHECKOUTS: "acme/app" });
  await untilState(world, "acme/app", () => !existsSync(join(link(), "ssh/d/a")));
  expect(existsSync(join(base, "content.git"))).toBe(false);
});

test("a DATA_DIR whose name needs quoting works, with files of LFS", async () => {
  const dataDir = join(tempDir(), 'a:b "c\\d');
  const CHECKOUTS = "acme/app?submodules=yes&lfs=yes";
  const world = await World.create({ CHECKOUTS, REPOSITORIES: "acme/app,acme/near" }, dataDir);
  const { standin } = world;
  const app = await standin.createRepository("acme", "app");
  const [far, near] = await Promise.all(["far", "near"].map((name) => library(standin, "acme", name)));
  const lfs = {
    ".gitattributes": "* text eol=crlf\n*.bin filter=lfs\n",
    "a.bin": standin.lfs.put("of LFS\n"),
  };
  const files = {
    ".gitmodules": gitmodules({ far: "../far", near: "../near" }),
    far: { gitlink: await far!.write({ a: "far" }) },
    near: { gitlink: await near!.write({ ...lfs, a: "near" }) },
  };
  await standin.commit(app, "main", { files });
  await world.start(near!.repo, app);
  const link = join(dataDir, "checkouts/acme/app");
  await untilState(world, "acme/app", ({ checkouts }) => checkouts?.[0]?.commit && existsSync(link));
  expect(shownFiles(link)).toMatchObject({ "far/a": "far", "near/a": "near", "near/a.bin": "of LFS\n" });
});

test("only changes are requested, and mirrored repositories cost no request", async () => {
  const { standin, link, push, asked, world } = await withSubmodules({ REPOSITORIES: "acme/app,acme/near" });
  const [far, near, still] = await Promise.all(
    ["far", "near", "still"].map((name) => library(standin, "acme", name)),
  );
  const links = async (n: number) => ({
    far: { gitlink: await far!.write({ a: `far ${n}` }) },
    near: { gitlink: await near!.write({ a: `near ${n}` }) },
  });
  await push({
    ".gitmodules": gitmodules({ far: "../far", near: "../near", still: "../still" }),
    still: { gitlink: await still!.write({ a: "still" }) },
    ...(await links(1)),
  });
  expect(shownFiles(link())).toMatchObject({ "far/a": "far 1", "near/a": "near 1", "still/a": "still" });
  await standin.deliverEvent("repository", standin.eventFor("repository", "created", { repo: near!.repo }), {
    to: `${world.url}/api/github/webhooks`,
  });
  await world.inStep(near!.repo);
  const second = await links(2);
  await compare(world, near!.repo);
  standin.clearCounters();
  await push(second);
  expect(shownFiles(link())).toMatchObject({ "far/a": "far 2", "near/a": "near 2", "still/a": "still" });
  expect([asked("far").length > 0, asked("near").length, asked("still").length]).toEqual([true, 0, 0]);
});

test("recursive goes into submodules of submodules, yes does not", async () => {
  const CHECKOUTS = "acme/app?submodules=yes,acme/app@deep?submodules=recursive";
  const { standin, link, push } = await withSubmodules({ CHECKOUTS });
  const inner = await library(standin, "acme", "inner");
  const outer = await library(standin, "acme", "outer");
  const modules = gitmodules({ "v/inner": "../inner.git" });
  const write = async (text: string) => ({
    ".gitmodules": gitmodules({ outer: "../outer.git" }),
    outer: {
      gitlink: await outer.write({
        ".gitmodules": modules,
        "v/inner": { gitlink: await inner.write({ a: text }) },
      }),
    },
  });
  const files = await write("1");
  await push(files);
  await push(files, "deep");
  expect(Object.keys(shownFiles(link()))).not.toContain("outer/v/inner/a");
  expect(shownFiles(link("app@deep"))).toMatchObject({ "outer/v/inner/a": "1" });
  await push(await write("2"), "deep");
  expect(shownFiles(link("app@deep"))).toMatchObject({ "outer/v/inner/a": "2" });
});

test("only submodules below the requested paths are fetched", async () => {
  const CHECKOUTS = "acme/app?paths=docs:libs/one/src&submodules=yes";
  const { standin, link, push, stored } = await withSubmodules({ CHECKOUTS });
  const lib = await library(standin, "acme", "lib");
  const other = await library(standin, "acme", "other");
  const commit = await lib.write({ "src/a": "1", "test/a": "1" });
  await push({
    ".gitmodules": gitmodules({ "libs/one": "../lib", "libs/two": "../other" }),
    "libs/one": { gitlink: commit },
    "libs/two": { gitlink: await other.write({ a: "1" }) },
    "docs/a": "1",
  });
  expect(shownFiles(link())).toEqual({ "docs/a": "1", "libs/one/src/a": "1" });
  expect(stored()).toEqual([commit]);
});

test("edits of a submodule's files or objects are repaired", async () => {
  const { standin, world, link, push, base } = await withSubmodules({ CHECKOUT_GRACE: "0s" });
  const lib = await library(standin, "acme", "lib");
  const modules = gitmodules({ lib: "../lib" });
  await push({ ".gitmodules": modules, lib: { gitlink: await lib.write({ a: "1" }) } });
  writeFileSync(join(realpathSync(link()), "lib/a"), "edited");
  await untilState(
    world,
    "acme/app",
    () => shownFiles(link())["lib/a"] === "1",
    () => world.sweep(),
  );
  rmSync(join(base, "content.git/objects"), { recursive: true });
  await push({ b: "1" });
  expect(shownFiles(link())).toMatchObject({ "lib/a": "1", b: "1" });
});

test("leftovers of a killed git in the content store do no harm", async () => {
  const { world, standin, link, push, base } = await withSubmodules({ CHECKOUT_GRACE: "0s" });
  const lib = await library(standin, "acme", "lib");
  const modules = gitmodules({ lib: "../lib" });
  await push({ ".gitmodules": modules, lib: { gitlink: await lib.write({ a: "1" }) } });
  const store = join(base, "content.git");
  for (const [n, lock] of ["shallow.lock", "refs/content/new.lock"].entries()) {
    writeFileSync(join(store, lock), "");
    await push({ lib: { gitlink: await lib.write({ a: `locked ${n}` }) } });
    expect(shownFiles(link())).toMatchObject({ "lib/a": `locked ${n}` });
    expect(existsSync(join(store, lock))).toBe(false);
    expect(world.log.filter(({ event }) => /^(?:refresh|publish)_failed$/.test(event))).toEqual([]);
  }
});

test("commits that are no longer needed are dropped", async () => {
  const { standin, link, push, stored } = await withSubmodules({ CHECKOUT_GRACE: "0s" });
  const lib = await library(standin, "acme", "lib");
  await push({ ".gitmodules": gitmodules({ lib: "../lib" }) });
  for (let n = 0; n < 23; n++) await push({ lib: { gitlink: await lib.write({ a: `${n}` }) } });
  expect(stored().length).toBeLessThan(10);
  expect(shownFiles(link())).toMatchObject({ "lib/a": "22" });
  await push({ b: "1" });
  expect(shownFiles(link())).toMatchObject({ "lib/a": "22", b: "1" });
});
