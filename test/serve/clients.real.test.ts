import { describe, expect, test } from "vitest";
import { plainGit } from "../support/git.js";
import { cloneDir, mirrorWithSecrets, post, readerDir, readerGit, serveMirror } from "../support/served.js";

/** What git is told to speak the protocol's version. */
const speaking = (version: number) => ["-c", `protocol.version=${version}`];

describe.each([0, 1, 2])("git with version %i of the protocol", (version) => {
  async function reader(options: string[] = []) {
    const mirror = mirrorWithSecrets();
    const { url } = await serveMirror(mirror.dir);
    const dir = readerDir();
    await readerGit(dir, ...speaking(version), "clone", "-q", ...options, url, "clone");
    const git = (...args: string[]) => readerGit(cloneDir(dir), ...speaking(version), ...args);
    return { ...mirror, url, git };
  }

  test("clones everything that is shown, and nothing else", async () => {
    const { git, main, annotated, hidden } = await reader();
    expect(await git("rev-parse", "HEAD", "v1")).toBe(`${main}\n${annotated}`);
    await expect(git("cat-file", "-e", hidden.commit)).rejects.toThrow();
    expect(await git("ls-remote", "origin")).not.toMatch(/lockstep/);
  });

  test("fetches what was pushed since", async () => {
    const { git, dir, main } = await reader();
    const tree = plainGit(dir, "rev-parse", `${main}^{tree}`);
    const next = plainGit(dir, "commit-tree", "-m", "next", "-p", main, tree);
    plainGit(dir, "update-ref", "refs/heads/main", next);
    await git("fetch", "-q");
    expect(await git("rev-parse", "origin/main")).toBe(next);
  });

  test("fetches into a repository whose commits the mirror does not know", async () => {
    const { git, url, main } = await reader(["--depth=1"]);
    await git("init", "-q", "other");
    const other = (...args: string[]) => git("-C", "other", ...speaking(version), ...args);
    for (const n of [1, 2, 3]) await other("commit", "-q", "--allow-empty", "-m", `own ${n}`);
    await other("fetch", "-q", url, "main");
    expect(await other("rev-parse", "FETCH_HEAD")).toBe(main);
  });

  test("clones one commit, goes deeper, and gets the rest", async () => {
    const { git } = await reader(["--depth=1", "--no-single-branch"]);
    const count = () => git("rev-list", "--count", "origin/main");
    expect(await count()).toBe("1");
    await git("fetch", "-q", "--deepen=1");
    expect(await count()).toBe("2");
    await git("fetch", "-q", "--unshallow");
    expect(await count()).toBe("5");
  });

  test("leaves out the history of a tag, and what is older than a day", async () => {
    const { git, url } = await reader(["--shallow-exclude=v1"]);
    expect(await git("rev-list", "--count", "HEAD")).toBe("3");
    await git("fetch", "-q", "--shallow-since=2023-11-14T00:00:00Z", "origin");
    await expect(
      git("clone", "-q", "--shallow-exclude=lockstep/kept/1-abc/heads/gone", url, "other"),
    ).rejects.toThrow();
  });

  test("is told that a part of the history is empty", async () => {
    const { git, url } = await reader();
    const clone = git("clone", "-q", "--shallow-since=2024-01-01", url, "other");
    await expect(clone).rejects.toThrow("remote error: upload-pack: no commits selected");
    const fetch = git("fetch", "-q", "--shallow-since=2024-01-01", "origin");
    await expect(fetch).rejects.toThrow("remote error: upload-pack: no commits selected");
  });

  test("clones without files, and fetches them when it needs them", async () => {
    const { git } = await reader(["--filter=blob:none", "--no-checkout"]);
    expect(await git("rev-list", "--objects", "--missing=print", "HEAD")).toMatch(/^\?/m);
    await git("checkout", "-q", "HEAD");
    expect(await git("status", "--porcelain")).toBe("");
  });

  test("clones without trees", async () => {
    const { git } = await reader(["--filter=tree:0", "--no-checkout"]);
    await git("checkout", "-q", "HEAD");
    expect(await git("status", "--porcelain")).toBe("");
  });

  test("fetches a commit by its name", async () => {
    const { git, old, main, hidden } = await reader(["--depth=1"]);
    await git("fetch", "-q", "--depth=1", "origin", old);
    expect(await git("rev-parse", "FETCH_HEAD")).toBe(old);
    await git("fetch", "-q", "origin", main);
    await expect(git("fetch", "-q", "origin", hidden.commit)).rejects.toThrow(/not our ref/);
  });

  test("clones an empty repository, and one of a single branch", async () => {
    const { git, url, dir } = await reader(["--single-branch", "--branch=main", "--no-tags"]);
    expect(await git("tag")).toBe("");
    for (const ref of plainGit(dir, "for-each-ref", "--format=%(refname)").split("\n"))
      plainGit(dir, "update-ref", "-d", ref);
    await git("clone", "-q", url, "empty");
    // Only version 2 names the default branch of a repository without commits.
    expect(await git("-C", "empty", "symbolic-ref", "HEAD")).toMatch(version === 2 ? /main$/ : /\w/);
  });
});

test("a push is refused with the remedy", async () => {
  const { dir } = mirrorWithSecrets();
  const { url } = await serveMirror(dir);
  const reader = readerDir();
  await readerGit(reader, "clone", "-q", url, "clone");
  await readerGit(cloneDir(reader), "commit", "-q", "--allow-empty", "-m", "x");
  const pushed = readerGit(cloneDir(reader), "push", "origin", "HEAD:main");
  await expect(pushed).rejects.toThrow(/pushInsteadOf http:\/\/127/);
});

test("an answer says where it comes from", async () => {
  const { dir } = mirrorWithSecrets();
  const { url } = await serveMirror(dir);
  const { status, headers, text } = await post(url, 2, "0000");
  expect([status, text, headers.get("x-lockstep-source")]).toEqual([200, "", "mirror"]);
  expect(headers.get("x-lockstep-proven-at")).toBe("2026-01-01T00:00:00.000Z");
});
