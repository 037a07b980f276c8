import {
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plainGit } from "../../support/git.js";
import { compare } from "../../support/history.js";
import { expectComplete, expectPart, textsIn } from "../../support/partial.js";
import { published, refreshed } from "../../support/published.js";
import { stateOf, untilState } from "../../support/state.js";
import { gitmodules, library, shownFiles } from "../../support/submodules.js";
import { commitFiles } from "../../support/trees.js";

const MAIN = "refs/heads/main";
const PART = { CHECKOUTS: "acme/*?filter=blob:none&paths=docs:a/b" };

test("a partial mirror has every commit and tree, and of the files only what is published", async () => {
  const { world, repo, link, push } = await published(PART);
  const old = await push({ "docs/x": "x1", "src/y": "y1", "a/b/c": "c1", "a/z": "z1" });
  const sha = await push({ "docs/x": "x2", "src/y": "y2", "docs/new": "n2" });
  expectPart(repo, link(), sha, "docs", "a/b");
  expect(textsIn(world.mirror(repo))).toEqual(["c1", "n2", "x1", "x2"]);
  expect(await stateOf(world, "acme/app")).toMatchObject({
    state: "fresh",
    filter: "blob:none",
    depth: null,
  });
  expect(plainGit(world.mirror(repo), "merge-base", old, sha)).toBe(old);
  expect(plainGit(world.mirror(repo), "ls-tree", "-r", "--name-only", sha)).toContain("src/y");
  expectComplete(world.mirror(repo));
});

test("a push costs one request for its commits, and one more only for contents that are published", async () => {
  const { standin, push } = await published(PART);
  await push({ "docs/x": "x1", "src/y": "y1" });
  standin.gitRequests.length = 0;
  await push({ "src/y": "y2" });
  expect(standin.gitRequests).toHaveLength(1);
  await push({ "docs/x": "x2", "docs/z": "z2" });
  expect(standin.gitRequests).toHaveLength(3);
  // The push has the same contents again, at another path.
  await push({ "docs/w": "x1" });
  expect(standin.gitRequests).toHaveLength(4);
});

test("without paths it has every file of the published commits, and none that was before them", async () => {
  const { world, repo, standin, link, push } = await published({ CHECKOUTS: "acme/*" });
  await push({ a: "a1", b: "b1" });
  const sha = await push({ a: "a2" });
  await world.stop();
  await world.start({ CHECKOUTS: "acme/*?filter=blob:none" });
  await untilState(world, "acme/app", ({ queued, running }) => !queued && !running);
  await untilState(world, "acme/app", () => !textsIn(world.mirror(repo)).includes("a1"));
  expectPart(repo, link(), sha);
  standin.gitRequests.length = 0;
  const next = await push({ c: "c3", b: null });
  expectPart(repo, link(), next);
  expect(textsIn(world.mirror(repo))).toEqual(expect.arrayContaining(["a2", "c3"]));
  expect(textsIn(world.mirror(repo))).not.toContain("b1");
  expectComplete(world.mirror(repo));
});

test("files are converted as in a whole mirror: every .gitattributes that counts is there", async () => {
  const { repo, link, push } = await published({ CHECKOUTS: "acme/*?filter=blob:none&paths=a/docs" });
  await push({
    ".gitattributes": "*.txt eol=crlf\n",
    "a/docs/one.txt": "1\n2\n",
    "b/.gitattributes": "x y\n",
  });
  expect(shownFiles(link())).toEqual({ "a/docs/one.txt": "1\r\n2\r\n" });
  await push({ "a/docs/two.txt": "1\n" });
  expect(shownFiles(link())["a/docs/two.txt"]).toBe("1\r\n");
  await push({ "a/.gitattributes": "*.txt eol=lf\n" });
  expect(shownFiles(link())).toEqual({ "a/docs/one.txt": "1\n2\n", "a/docs/two.txt": "1\n" });
  const sha = await push({ "a/.gitattributes": null, ".gitattributes": null });
  expectPart(repo, link(), sha, "a/docs");
});

test("with a depth too, it has the last commits of what is published", async () => {
  const CHECKOUTS = "acme/*?depth=2&filter=blob:none&paths=docs";
  const { world, repo, standin, link, push } = await published({ CHECKOUTS });
  for (let n = 0; n < 5; n++) await push({ "docs/n": `n${n}`, other: `o${n}` });
  const side = await standin.commit(repo, "side", { files: { side: "1" } });
  await refreshed(world, () => world.pushed(side));
  const sha = await push({ "docs/last": "last" });
  expectPart(repo, link(), sha, "docs");
  expect(Object.keys(world.tips(repo))).toEqual([MAIN]);
  expect(plainGit(world.mirror(repo), "rev-list", "--count", "main")).toBe("2");
  expect(await stateOf(world, "acme/app")).toMatchObject({ depth: 2, filter: "blob:none" });
  expectComplete(world.mirror(repo));
});

test("all checkouts of a repository share its contents; one without the filter has the mirror whole", async () => {
  const CHECKOUTS = "acme/app?filter=blob:none&paths=docs,acme/app@side?filter=blob:none&paths=src";
  const { world, repo, standin, link, push } = await published({ CHECKOUTS });
  await push({ "docs/d": "d1", "src/s": "s1", rest: "r1" });
  const side = await standin.commit(repo, "side", { files: { "src/s": "s2" } });
  await refreshed(world, () => world.pushed(side));
  expectPart(repo, link("app@side"), side.after, "src");
  expect(textsIn(world.mirror(repo))).toEqual(["d1", "s2"]);
  await world.stop();
  await world.start({ CHECKOUTS: "acme/app?filter=blob:none&paths=docs,acme/app@side" });
  const isWhole = ({ filter }: { filter: string | null }) => filter === null;
  await untilState(world, "acme/app", (s) => isWhole(s) && textsIn(world.mirror(repo)).includes("r1"));
  await untilState(world, "acme/app", ({ queued, running }) => !queued && !running);
  expectPart(repo, link("app@side"), side.after);
  plainGit(world.mirror(repo), "fsck", "--strict", "--connectivity-only");
});

test("submodules and files of LFS are published from it", async () => {
  const options = "filter=blob:none&paths=docs:lib:a.bin&submodules=yes&lfs=yes";
  const { world, repo, standin, link, push } = await published({ CHECKOUTS: `acme/app?${options}` });
  const lib = await library(standin, "acme", "lib");
  const files = { ".gitmodules": gitmodules({ lib: "../lib.git" }), ".gitattributes": "*.bin filter=lfs\n" };
  await push({ ...files, lib: { gitlink: await lib.write({ a: "old" }) }, "a.bin": standin.lfs.put("one") });
  expect(shownFiles(link())).toEqual({ "lib/a": "old", "a.bin": "one" });
  for (let n = 0; n < 15; n++) {
    const gitlink = await lib.write({ a: `new ${n}` });
    await push({ lib: { gitlink }, "a.bin": standin.lfs.put(`two ${n}`), "docs/d": `d${n}`, out: `${n}` });
  }
  expect(shownFiles(link())).toEqual({ "lib/a": "new 14", "a.bin": "two 14", "docs/d": "d14" });
  const warned = world.log.filter(({ level }) => level === "warn" || level === "error");
  expect(warned.map(({ msg, err }) => `${msg} ${err}`)).toEqual([]);
  expect(textsIn(world.mirror(repo))).not.toContain("14");
});

test("a submodule of the same repository comes with its files", async () => {
  const CHECKOUTS = "acme/app?filter=blob:none&submodules=yes";
  const { world, repo, standin, link, push } = await published({ CHECKOUTS });
  const pages = await standin.commit(repo, "pages", { files: { page: "text", "deep/page": "more" } });
  await refreshed(world, () => world.pushed(pages));
  await push({ ".gitmodules": gitmodules({ public: "./" }), public: { gitlink: pages.after } });
  expect(shownFiles(link())).toMatchObject({ "public/page": "text", "public/deep/page": "more" });
});

test("a lost file's contents are fetched again, for a repair and for the next push", async () => {
  const { world, repo, link, push } = await published(PART);
  const first = await push({ "docs/x": "x1", "docs/y": "y1" });
  const mirror = statSync(world.mirror(repo)).ino;
  loseContents(world.mirror(repo));
  writeFileSync(join(realpathSync(link()), "docs/x"), "edited");
  const isRight = () => existsSync(link()) && readFileSync(join(link(), "docs/x"), "utf8") === "x1";
  await untilState(world, "acme/app", isRight, () => world.sweep());
  expectPart(repo, link(), first, "docs");
  await untilState(world, "acme/app", ({ queued, running }) => !queued && !running);
  loseContents(world.mirror(repo));
  rmSync(realpathSync(link()), { recursive: true });
  const next = await push({ "docs/z": "z1" });
  expectPart(repo, link(), next, "docs");
  expect(statSync(world.mirror(repo)).ino).toBe(mirror);
});

test.each([".gitattributes", ".gitmodules", "docs/.gitattributes"])(
  "%s is checked at every publish: without it git would write another tree without an error",
  async (name) => {
    const CHECKOUTS = "acme/app?filter=blob:none&submodules=yes&paths=lib:docs";
    const { world, standin, link, push } = await published({ CHECKOUTS });
    const lib = await library(standin, "acme", "lib");
    const gitlink = await lib.write({ a: "in lib" });
    await push({
      ...{ ".gitmodules": gitmodules({ lib: "../lib.git" }), lib: { gitlink } },
      ...{ ".gitattributes": "*.txt eol=crlf\n", "docs/.gitattributes": "*.md eol=crlf\n" },
    });
    loseContents(world.mirror(world.standin.world.find("acme", "app")!));
    await push({ "docs/a.txt": "a\n", "docs/b.md": "b\n" });
    const files = { "docs/a.txt": "a\r\n", "docs/b.md": "b\r\n", "lib/a": "in lib" };
    expect(shownFiles(link()), name).toMatchObject(files);
  },
);

test("more contents than fit into one request come in several", async () => {
  const { world, repo, link } = await published(PART);
  const texts = Array.from({ length: 20_100 }, (_, n) => `${n}`);
  commitFiles(repo.dir, Object.fromEntries(texts.map((text) => [`docs/${text}`, text])));
  await compare(world, repo);
  await untilState(world, "acme/app", (it) => !it.queued && existsSync(join(link(), "docs")));
  const wrong = texts.filter((text) => readFileSync(join(link(), "docs", text), "utf8") !== text);
  expect(wrong).toEqual([]);
});

test("attributes above a path that is asked for later are brought with it", async () => {
  const { world, link, push } = await published({ CHECKOUTS: "acme/app?filter=blob:none&paths=docs" });
  await push({ "src/.gitattributes": "*.txt eol=crlf\n", "src/deep/a.txt": "a\n", "docs/d": "d" });
  await world.stop();
  await world.start({ CHECKOUTS: "acme/app?filter=blob:none&paths=docs:src/deep" });
  await untilState(world, "acme/app", (it) => !it.queued && existsSync(join(link(), "src")));
  expect(shownFiles(link())).toEqual({ "docs/d": "d", "src/deep/a.txt": "a\r\n" });
});

/** Removes every file content, loose or packed. */
function loseContents(mirror: string): void {
  const packs = join(mirror, "objects", "pack");
  for (const name of readdirSync(packs).filter((it) => it.endsWith(".idx"))) {
    const listed = plainGit(mirror, "verify-pack", "-v", join(packs, name));
    if (/^\w{40} (?:commit|tree)/m.test(listed)) continue;
    for (const part of ["idx", "pack", "rev"])
      rmSync(join(packs, name.replace("idx", part)), { force: true });
  }
  expect(textsIn(mirror)).toEqual([]);
  expect(readdirSync(join(mirror, "lockstep-brought"))).toEqual(["@"]);
}
