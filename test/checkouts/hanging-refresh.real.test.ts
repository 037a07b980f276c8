import { rmSync } from "node:fs";
import { expect, test } from "vitest";
import { hook, touch } from "../support/consumers.js";
import { compare, refreshed as mirrored } from "../support/history.js";
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
  await expect.poll(() => standin.gitRequests.length, { timeout: 10_000 }).toBeGreaterThan(requests);
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
