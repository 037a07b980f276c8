import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { plainGit } from "../support/git.js";
import { compare, post } from "../support/history.js";
import { checkoutsOf, expectTree, published, refreshed, treesOf } from "../support/published.js";
import { passed, stateOf, untilState } from "../support/state.js";
import { filesBelow, filesOf } from "../support/trees.js";

test("the default branch is published, and each push moves the link to another tree", async () => {
  const { world, repo, link, push } = await published();
  const first = realpathSync(link());
  const before = (await checkoutsOf(world, repo))[0].commit;
  expectTree(world, repo, link(), before);
  const after = await push({ "new/file": "2" });
  expectTree(world, repo, link(), after);
  expect(filesBelow(first)).toEqual(filesOf(world.mirror(repo), before));
  expect(readlinkSync(link())).toBe(`../../repos/${repo.id}/trees/@/2`);
  expect(await checkoutsOf(world, repo)).toEqual([
    {
      ref: "refs/heads/main",
      path: link(),
      commit: after,
      publishedAt: expect.any(String),
      wanted: after,
      veto: null,
      notes: [],
    },
  ]);
});

test("a tree whose grace is over is used next, and unneeded trees are removed", async () => {
  const { world, repo, link, push } = await published({ CHECKOUT_GRACE: "0s" });
  for (let n = 0; n < 5; n++) {
    const sha = await push({ n: `${n}` });
    expectTree(world, repo, link(), sha);
    expect(treesOf(world, repo)).toEqual(["1", "2"]);
  }
});

test("several refs of a repository, some paths of one, a tag, and an entry that was removed", async () => {
  const CHECKOUTS = "acme/app,acme/app@release/1?paths=docs,acme/app@refs/tags/v1,!acme/other";
  const { world, repo, standin, link, push } = await published({ CHECKOUTS, CHECKOUT_GRACE: "0s" });
  await standin.createRepository("acme", "other");
  expect(readdirSync(link("."))).toEqual(["app"]);
  const sha = await push({ "docs/a": "1", "src/b": "1" }, "release/1");
  const tag = await standin.createTag(repo, "v1", { annotated: true, at: "release/1" });
  await refreshed(world, () => world.pushed(tag));
  expect(readdirSync(link(".")).sort()).toEqual(["app", "app@refs%2Ftags%2Fv1", "app@release%2F1"]);
  expectTree(world, repo, link("app@refs%2Ftags%2Fv1"), sha);
  expect(filesBelow(realpathSync(link("app@release%2F1")))).toEqual(["100644 docs/a 1"]);

  const gone = await standin.deleteRef(repo, "refs/heads/release/1");
  await refreshed(world, () => world.pushed(gone));
  await world.line(({ event }) => event === "unpublished");
  expect(existsSync(link("app@release%2F1"))).toBe(false);
  const shown = (await checkoutsOf(world, repo)).find(({ ref }) => ref === "refs/heads/release/1");
  expect(shown).toMatchObject({ commit: null, wanted: null, veto: { reason: "missing" } });
});

test("a missing link, tree or both are published without a push, also after a restart", async () => {
  const { world, repo, link } = await published();
  const sha = (await checkoutsOf(world, repo))[0].commit;
  rmSync(link());
  await compare(world, repo);
  expectTree(world, repo, link(), sha);
  rmSync(realpathSync(link()), { recursive: true });
  await compare(world, repo);
  expectTree(world, repo, link(), sha);
  await world.stop();
  rmSync(link());
  const from = world.log.length;
  await world.start(repo);
  await world.line(({ event }) => event === "published", from);
  expectTree(world, repo, link(), sha);
});

test("the links follow a renamed repository and a renamed default branch", async () => {
  const { world, repo, standin, link, push } = await published();
  await push({ a: "1" });
  standin.renameRepository(repo, "renamed");
  await standin.deliverEvent("repository", standin.eventFor("repository", "renamed", { repo }), {
    to: `${world.url}/api/github/webhooks`,
  });
  await untilState(world, "acme/renamed", () => existsSync(link("renamed")));
  expect(existsSync(link())).toBe(false);
  const trunk = await standin.commit(repo, "trunk", { files: { b: "2" } });
  await standin.setDefaultBranch(repo, "trunk");
  const from = world.log.length;
  world.sweep();
  await world.line(({ event, ref }) => event === "published" && ref === "refs/heads/trunk", from);
  expectTree(world, repo, link("renamed"), trunk.after);
});

/** The rotating check finds an edit in the tree, and another tree is published. */
async function isReplacedAfter(act: (tree: string) => void): Promise<string> {
  const { world, repo, link, push } = await published();
  const sha = await push({ a: "1" });
  const tree = realpathSync(link());
  act(tree);
  const from = world.log.length;
  const isReplaced = () => world.log.slice(from).some(({ event }) => event === "published");
  await untilState(world, "acme/app", isReplaced, () => world.sweep());
  expect(realpathSync(link())).not.toBe(tree);
  expectTree(world, repo, link(), sha);
  const next = await push({ a: "2" });
  expectTree(world, repo, link(), next);
  return tree;
}

test("a tree that someone edited is replaced, and its readers keep it", async () => {
  const tree = await isReplacedAfter((it) => writeFileSync(join(it, "a"), "edited"));
  expect(readFileSync(join(tree, "a"), "utf8")).toBe("edited");
});

test("a tree that is missing, or was replaced by a link, is published again", async () => {
  await isReplacedAfter((tree) => rmSync(tree, { recursive: true }));
  await isReplacedAfter((tree) => {
    renameSync(tree, `${tree}-x`);
    symlinkSync(`${tree}-x`, tree);
  });
});

test("a damaged mirror cannot give a tree: it is cloned again, then published", async () => {
  const { world, repo, standin, link, push } = await published();
  await push({ a: "1" });
  const next = await standin.commit(repo, "side", { files: { b: "2" } });
  await refreshed(world, () => world.pushed(next));
  const blob = plainGit(world.mirror(repo), "rev-parse", `${next.after}:b`);
  rmSync(join(world.mirror(repo), "objects", blob.slice(0, 2), blob.slice(2)));
  const move = await standin.forcePush(repo, "main", next.after);
  await refreshed(world, () => world.pushed(move));
  expectTree(world, repo, link(), next.after);
});

test("a foreign file in the link's place stays, and the state reports it", async () => {
  const { world, repo, link } = await published();
  rmSync(link());
  writeFileSync(link(), "mine");
  const answer = await post(world, repo, "refresh?wait=30s");
  expect(answer).toMatchObject({ status: 502, body: { reason: "foreign" } });
  expect(readFileSync(link(), "utf8")).toBe("mine");
  expect(await stateOf(world, "acme/app")).toMatchObject({
    state: "failing",
    lastError: { code: "foreign" },
  });
});

test("a retired repository loses its link at once, and its tree and mirror after the grace", async () => {
  vi.useFakeTimers({ toFake: ["Date"], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const { world, repo, link, push } = await published({ RETIRE_AFTER: "1h" });
  // GitHub's clock moves on, too: nothing is deleted by one clock alone.
  world.standin.faults.clock = () => Date.now();
  const sha = await push({ a: "1" });
  const tree = realpathSync(link());
  await world.stop();
  await world.start({ REPOSITORIES: "other/*" });
  await untilState(world, "acme/app", ({ state }) => state === "gone");
  expect(realpathSync(link())).toBe(tree);
  const mirror = realpathSync(world.mirror(repo));
  vi.setSystemTime(Date.now() + 3_601_000);
  await passed(world);
  expect(existsSync(link())).toBe(false);
  expect(filesBelow(tree)).toEqual(filesOf(mirror, sha));
  vi.setSystemTime(Date.now() + 3_601_000);
  await passed(world);
  expect(await stateOf(world, "acme/app")).toMatchObject({ state: "retired" });
  for (const gone of [tree, mirror]) expect(existsSync(gone)).toBe(false);
});
