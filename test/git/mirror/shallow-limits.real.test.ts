import { expect, test } from "vitest";
import { createLayout } from "../../../src/git/disk/layout.js";
import { createUpkeep } from "../../../src/git/mirror/upkeep.js";
import { plainGit, realGit } from "../../support/git.js";
import { compare, force, MAIN, post, shown } from "../../support/history.js";
import { never } from "../../support/mirror.js";
import { published } from "../../support/published.js";
import { stateOf, untilState } from "../../support/state.js";
import { ageObjects, DAY_MS } from "../../support/wear.js";

const isAtRest = ({ queued, running }: { queued: boolean; running: boolean }) => !queued && !running;

test("two pushes within a second, delivered in the wrong order, are in step at once", async () => {
  const { world, repo, standin, push } = await published({ CHECKOUTS: "acme/*?depth=1" });
  await push({ a: "1" });
  standin.strictClock = false;
  const first = await standin.commit(repo, "main", { files: { a: "2" } });
  const second = await standin.commit(repo, "main", { files: { a: "3" } });
  await world.pushed(second, first);
  await world.inStep(repo);
  const { state } = await untilState(world, "acme/app", isAtRest);
  expect(state).toBe("fresh");
  expect(world.log.filter(({ code }) => code === "not_yet")).toEqual([]);
});

test("a mirror that had fewer commits than its depth when it was tidied is sound after it is pruned", async () => {
  const { world, repo, push } = await published({ CHECKOUTS: "acme/*?depth=3" });
  const upkeep = createUpkeep({
    ...{ git: realGit(), layout: createLayout(world.dataDir), timeoutMs: 60_000 },
  });
  await upkeep.tidy(repo.id, never);
  for (let n = 0; n < 8; n++) await push({ n: `${n}` });
  await world.stop();
  ageObjects(world.mirror(repo));
  await upkeep.prune(repo.id, DAY_MS, never);
  plainGit(world.mirror(repo), "fsck", "--strict");
});

test("holds end with the history that they need", async () => {
  const { world, repo, standin, push } = await published({ HISTORY: "block" });
  await push({ a: "1" });
  await world.pushed(await standin.forcePush(repo, "main", force));
  await untilState(world, "acme/app", ({ lastError }) => lastError?.code === "history_blocked");
  await world.stop();
  await world.start(repo, { CHECKOUTS: "acme/*?depth=1", HISTORY: "keep" });
  await untilState(world, "acme/app", (it) => isAtRest(it) && it.state === "fresh");
  expect(await shown(world, repo)).toMatchObject({ holds: [], kept: [] });
});

test("without room for the missing history, a forced push is refused all the same", async () => {
  const { world, repo, standin, push } = await published({ CHECKOUTS: "acme/*?depth=1" });
  const tip = await push({ a: "1" });
  await world.stop();
  await world.start({ CHECKOUTS: "acme/*", HISTORY: "block", MIN_FREE_DISK: "1000TiB" });
  await standin.forcePush(repo, "main", force);
  await post(world, repo, "refresh?wait=30s");
  expect(world.tips(repo)[MAIN]).toBe(tip);
  expect(await stateOf(world, "acme/app")).toMatchObject({ lastError: { code: "history_blocked" } });
});

test("without room for a shallow mirror the whole mirror stays", async () => {
  const { world, repo, standin, push } = await published();
  await push({ a: "1" });
  const side = await standin.commit(repo, "side", { files: { b: "1" } });
  await world.pushed(side);
  await world.inStep(repo);
  await world.stop();
  await world.start({ CHECKOUTS: "acme/*?depth=1", MIN_FREE_DISK: "1000TiB" });
  await compare(world, repo);
  expect(world.tips(repo)["refs/heads/side"]).toBe(side.after);
});
