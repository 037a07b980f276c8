import { expect, test } from "vitest";
import type { Push, Repo } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import { notingGit } from "../support/noting-git.js";
import { World } from "../support/world.js";

async function worldWithNotes(env: Record<string, string> = {}) {
  const git = notingGit();
  const world = await World.create({ GIT_BINARY: git.binary, ...env });
  world.standin.strictClock = true;
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const bring = async (push: Push) => {
    git.forget();
    world.standin.clearCounters();
    await world.pushed(push);
    await world.inStep(repo);
    plainGit(world.mirror(repo), "fsck", "--strict", "--no-dangling");
    const requests = world.standin.gitRequests.filter(({ protocol }) => protocol === "fetch");
    return {
      ran: git.noted().filter((name) => /^(?:fetch|merge-base|rev-list|update-ref)$/.test(name)),
      requests,
    };
  };
  return { world, repo, bring };
}

const commit = ({ standin }: World, repo: Repo, branch = "main", files?: Record<string, string>) =>
  standin.commit(repo, branch, files ? { files } : {});

test("a small push needs one request and no git", async () => {
  const { world, repo, bring } = await worldWithNotes();
  // The clone has packed its refs, and only git moves a packed one.
  expect((await bring(await commit(world, repo))).ran).toEqual(["update-ref"]);
  for (let n = 0; n < 3; n++) {
    const { ran, requests } = await bring(await commit(world, repo, "main", { "dir/deep/file": `${n}\n` }));
    expect(ran).toEqual([]);
    expect(requests).toHaveLength(1);
  }
});

test("a push that GitHub is asked about by name needs two requests and no git", async () => {
  const { world, repo, bring } = await worldWithNotes();
  await bring(await commit(world, repo));
  for (let ticks = 0; ticks < 60; ticks++) world.standin.world.tick();
  // From now on GitHub's clock stands still, and a delivery in the second of the one before proves no order.
  await bring(await commit(world, repo));
  world.standin.strictClock = false;
  for (let n = 0; n < 3; n++) {
    const { ran, requests } = await bring(await commit(world, repo));
    expect(ran).toEqual([]);
    expect(requests).toHaveLength(1);
    expect(world.standin.gitRequests.map(({ protocol }) => protocol).sort()).toEqual(["fetch", "ls-refs"]);
  }
});

test("where the proof needs a longer walk, git walks, and nothing is fetched twice", async () => {
  const { world, repo, bring } = await worldWithNotes();
  const { standin } = world;
  await bring(await commit(world, repo, "topic"));
  const main = await commit(world, repo, "main");
  await bring(main);
  // The topic's commits are in the mirror, but not in the base of this push.
  const parents = [main.after, await standin.tip(repo, "refs/heads/topic")];
  const tree = plainGit(repo.dir, "rev-parse", "main^{tree}");
  const merge = plainGit(
    repo.dir,
    "commit-tree",
    tree,
    "-m",
    "merge",
    ...parents.flatMap((sha) => ["-p", sha]),
  );
  const [push] = await standin.updateRefs(repo, [
    { ref: "refs/heads/main", before: main.after, after: merge },
  ]);
  const { ran, requests } = await bring(push!);
  expect(ran).toEqual(["rev-list"]);
  expect(requests).toHaveLength(1);
});

test("a large push, and those that follow, are fetched by git", async () => {
  const { world, repo, bring } = await worldWithNotes();
  const many = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`many/${n}`, `${n}\n`]));
  expect((await bring(await commit(world, repo, "main", many))).ran).toEqual(["fetch", "update-ref"]);
  for (let n = 0; n < 10; n++) {
    const { ran, requests } = await bring(await commit(world, repo));
    expect(ran).toEqual(["fetch"]);
    expect(requests).toHaveLength(1);
  }
  expect((await bring(await commit(world, repo))).ran).toEqual([]);
});

test("DIRECT_FETCH=no: git fetches everything, and moves refs", async () => {
  const { world, repo, bring } = await worldWithNotes({ DIRECT_FETCH: "no" });
  for (let n = 0; n < 2; n++) {
    const { ran } = await bring(await commit(world, repo));
    // Histories are compared where the order of two deliveries is in doubt.
    expect(ran.filter((name) => name !== "merge-base")).toEqual(["fetch", "update-ref"]);
  }
});
