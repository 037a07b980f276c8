import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Repo } from "../../tools/standin/index.js";
import { looseFile, plainGit } from "../support/git.js";
import { oneMirror } from "../support/one-mirror.js";
import { depthOneOf, fetchOf } from "../support/packets.js";
import { cloneDir, post, readerDir, readerGit } from "../support/served.js";
import type { World } from "../support/world.js";

/** A pull request's merge commit, of which no delivery tells, on top of a contributor's commits. */
async function withMerge(env: Record<string, string> = {}) {
  const { world, repo, url } = await oneMirror(env);
  const { standin } = world;
  const main = (await standin.tips(repo)).get("refs/heads/main")!;
  const below = await standin.commitObject(repo, { parent: main });
  const head = await standin.commitObject(repo, { parent: below });
  const tree = plainGit(repo.dir, "rev-parse", `${head}^{tree}`);
  const merge = plainGit(repo.dir, "commit-tree", "-m", "merge", "-p", main, "-p", head, tree);
  await standin.writeRef(repo, "refs/pull/1/head", head);
  await standin.writeRef(repo, "refs/pull/1/merge", merge);
  standin.clearCounters();
  return { world, repo, url, main, head, merge };
}

const servedRefs = ({ dataDir }: World, { id }: Repo) => {
  const mirror = join(dataDir, "repos", String(id), "mirror.git");
  const refs = plainGit(mirror, "for-each-ref", "--format=%(refname)", "refs/lockstep/served");
  return refs.split("\n").filter(Boolean);
};

const sourceOf = async (url: string, body: string) => {
  const { text, headers } = await post(url, 2, body);
  return [text.includes("PACK"), headers.get("x-lockstep-source")];
};

const fetchesOf = ({ standin }: World) => standin.gitRequests.filter(({ protocol }) => protocol === "fetch");

test("200 readers of a commit that the mirror lacks cost GitHub one fetch and one question", async () => {
  const { world, repo, url, merge } = await withMerge();
  const answers = await Promise.all(Array.from({ length: 200 }, () => sourceOf(url, depthOneOf(merge))));
  // A reader whose request came last may find it in the mirror.
  expect(answers.every(([isPack, source]) => isPack && source !== "github")).toBe(true);
  expect(answers[0]).toEqual([true, "fetched"]);
  expect(fetchesOf(world)).toHaveLength(2);
  expect(servedRefs(world, repo)).toEqual([`refs/lockstep/served/${merge}`]);
  // Later readers find it in the mirror.
  expect(await sourceOf(url, fetchOf(`want ${merge}`))).toEqual([true, "mirror"]);
  expect(fetchesOf(world)).toHaveLength(2);
});

test.each([0, 1, 2])(
  "version %i: a reader deepens what was fetched, and goes on from it",
  async (version) => {
    const { world, repo, url, merge, head } = await withMerge();
    const reader = readerDir();
    await readerGit(reader, "init", "-q", "clone");
    const git = (...args: string[]) =>
      readerGit(cloneDir(reader), "-c", `protocol.version=${version}`, ...args);
    await git("fetch", "-q", "--depth=1", url, merge);
    expect(await git("rev-list", "--count", merge)).toBe("1");
    await git("fetch", "-q", "--deepen=1", url, merge);
    expect(await git("rev-list", "--count", merge)).toBe("3");
    await git("fetch", "-q", "--unshallow", url, merge);
    expect(await git("rev-list", "--count", merge)).toBe(plainGit(repo.dir, "rev-list", "--count", merge));
    expect(fetchesOf(world)).toHaveLength(2);

    const tree = plainGit(repo.dir, "rev-parse", `${head}^{tree}`);
    const next = plainGit(repo.dir, "commit-tree", "-m", "next", "-p", merge, "-p", head, tree);
    await world.standin.writeRef(repo, "refs/pull/1/merge", next);
    await git("fetch", "-q", url, next);
    expect(await git("rev-list", "--count", `${merge}..${next}`)).toBe("1");
  },
);

test("what was fetched for readers is shown to nobody, and is no history of the mirror", async () => {
  const { world, repo, url, merge } = await withMerge();
  await sourceOf(url, depthOneOf(merge));
  for (const version of [0, 2]) {
    const list = await readerGit(readerDir(), "-c", `protocol.version=${version}`, "ls-remote", url);
    expect([list.includes("lockstep"), list.includes(merge)]).toEqual([false, false]);
  }
  expect(plainGit(repo.dir, "ls-remote", world.mirror(repo))).not.toContain("lockstep");
  const history = await world.api("/api/v1/repos/acme/app/history");
  expect(await history.text()).not.toContain(merge);
  expect(world.tips(repo)).not.toHaveProperty("refs/pull/1/merge");
  // It does not keep a later refresh from seeing what it has.
  await world.pushed(await world.standin.commit(repo, "main"));
  expect(await readerGit(readerDir(), "ls-remote", url)).not.toContain(merge);
});

test("it survives a restart, without GitHub's being fetched from again", async () => {
  const { world, url, merge } = await withMerge();
  await sourceOf(url, depthOneOf(merge));
  await world.stop();
  await world.start();
  world.standin.clearCounters();
  expect(await sourceOf(url, depthOneOf(merge))).toEqual([true, "mirror"]);
  // GitHub is asked whether it still gives the commit.
  expect(fetchesOf(world)).toHaveLength(1);
});

test("it is gone after a rebuild, and fetched again when it is wanted", async () => {
  const { world, repo, url, merge } = await withMerge();
  await sourceOf(url, depthOneOf(merge));
  rmSync(join(world.mirror(repo), "HEAD"));
  const from = world.log.length;
  await world.api("/api/v1/repos/acme/app/refresh?wait=30s", { method: "POST" });
  await world.line(({ event, result }) => event === "refreshed" && result === "cloned", from);
  expect(servedRefs(world, repo)).toEqual([]);
  expect(await sourceOf(url, depthOneOf(merge))).toEqual([true, "fetched"]);
});

test("what an interrupted fetch has left is completed", async () => {
  const { world, repo, url, merge } = await withMerge();
  await sourceOf(url, depthOneOf(merge));
  const mirror = world.mirror(repo);
  await world.stop();
  // The commit is here, and not all that it leads to.
  plainGit(mirror, "update-ref", "-d", `refs/lockstep/served/${merge}`);
  rmSync(looseFile(mirror, plainGit(mirror, "rev-parse", `${merge}^2`)));
  await world.start();
  // A refresh after the start may be in the way for longer than a reader waits.
  const source = async () => (await sourceOf(url, fetchOf(`want ${merge}`)))[1];
  await expect.poll(source).not.toBe("github");
  plainGit(mirror, "fsck", "--strict");
});

test("a fetch that takes long is not waited for, and serves those who come later", async () => {
  const { world, url, merge, repo } = await withMerge();
  world.standin.faults.slowLine = { bytes: 100, everyMs: 500 };
  expect(await sourceOf(url, depthOneOf(merge))).toEqual([true, "github"]);
  world.standin.faults.slowLine = null;
  await expect.poll(() => servedRefs(world, repo)).toHaveLength(1);
  expect(await sourceOf(url, fetchOf(`want ${merge}`))).not.toContain("github");
});

test("a name that is another repository's by now brings nothing", async () => {
  const { world, repo, url, main } = await withMerge();
  // The right to read the repository is remembered for five minutes.
  expect(await sourceOf(url, depthOneOf(main))).toEqual([true, "mirror"]);
  world.standin.renameRepository(repo, "former");
  const thief = await world.standin.createRepository("acme", "app", { installation: repo.installation });
  const { after } = await world.standin.commit(thief, "main");
  expect(await sourceOf(url, depthOneOf(after))).not.toContain("fetched");
  expect(world.log.filter(({ event }) => event === "served_fetch_failed")).toHaveLength(1);
  expect(servedRefs(world, repo)).toEqual([]);
});

test("with too little space GitHub answers", async () => {
  const { world, url, merge, repo } = await withMerge();
  await world.stop();
  await world.start({ MIN_FREE_DISK: "1000000GiB" });
  expect(await sourceOf(url, depthOneOf(merge))).toEqual([true, "github"]);
  expect(servedRefs(world, repo)).toEqual([]);
});
