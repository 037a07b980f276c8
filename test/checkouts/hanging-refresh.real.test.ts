import { realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hook, touch } from "../support/consumers.js";
import { compare, force, MAIN, refreshed as mirrored, post } from "../support/history.js";
import { expectTree, published, untilPublished } from "../support/published.js";
import { untilState } from "../support/state.js";

test("a publish is not held up by a refresh of its mirror that waits for GitHub", async () => {
  const { file, dir, runs, until } = hook('while [ -e "$DIR/block" ]; do sleep 0.05; done');
  const { world, repo, standin, link } = await published({ PRE_PUBLISH_HOOK: file });
  const asked = runs().length;
  touch(dir, "block");
  await world.pushed(await standin.commit(repo, "main", { files: { a: "1" } }));
  await until(() => runs().length > asked);
  const second = await standin.commit(repo, "main", { files: { a: "2" } });
  await mirrored(world, () => world.pushed(second));
  standin.faults.hangGit = true;
  const third = await standin.commit(repo, "main", { files: { a: "3" } });
  const requests = standin.gitRequests.length;
  await world.pushed(third);
  await expect.poll(() => standin.gitRequests.length).toBeGreaterThan(requests);
  // What was published first, and what is published after it, need the mirror for moments only.
  rmSync(`${dir}/block`);
  const shows = (sha: string) =>
    untilState(world, "acme/app", ({ checkouts }) => checkouts[0]?.commit === sha);
  await shows(second.after);
  expectTree(world, repo, link(), second.after);
  // GitHub has not answered yet, and the refresh has not given up.
  expect(world.log.filter(({ event }) => event === "refresh_failed")).toEqual([]);
  standin.faults.hangGit = false;
  await shows(third.after);
  await untilPublished(world);
  expectTree(world, repo, link(), third.after);
  await compare(world, repo);
  await world.inStep(repo);
});

test("a commit that is being published is carried into a new mirror, where no ref leads to it", async () => {
  const { file, dir, runs, until } = hook('while [ -e "$DIR/block" ]; do sleep 0.05; done');
  const { world, repo, standin, link, push } = await published({
    HISTORY: "mirror",
    PRE_PUBLISH_HOOK: file,
    CHECKOUT_GRACE: "0s",
  });
  await push({ a: "0" });
  const asked = runs().length;
  touch(dir, "block");
  const replaced = await standin.commit(repo, "main", { files: { a: "1" } });
  await mirrored(world, () => world.pushed(replaced));
  await until(() => runs().length > asked);
  await world.pushed(await standin.forcePush(repo, "main", force));
  await world.inStep(repo);
  // A damaged mirror is cloned again; GitHub gives what its refs lead to.
  writeFileSync(join(realpathSync(world.mirror(repo)), "refs/heads/main"), "");
  const from = world.log.length;
  await post(world, repo, "refresh");
  await world.line(({ event, result }) => event === "refreshed" && result === "cloned", from);
  rmSync(`${dir}/block`);
  await world.line(({ event, commit }) => event === "published" && commit === replaced.after, from);
  await untilPublished(world);
  expectTree(world, repo, link(), world.tips(repo)[MAIN]!);
  expect(world.log.filter(({ event }) => event === "publish_failed")).toEqual([]);
});
