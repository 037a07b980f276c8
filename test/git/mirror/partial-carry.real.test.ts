import { readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Repo } from "../../../tools/standin/index.js";
import { plainGit } from "../../support/git.js";
import { force, MAIN, post, shown } from "../../support/history.js";
import { expectComplete, expectPart, textsIn } from "../../support/partial.js";
import { published, refreshed } from "../../support/published.js";
import { stateOf, untilState } from "../../support/state.js";
import { shownFiles } from "../../support/submodules.js";

const PART = { CHECKOUTS: "acme/*?filter=blob:none&paths=docs" };
const WHOLE = { CHECKOUTS: "acme/*?paths=docs" };
const isAtRest = ({ queued, running }: { queued: boolean; running: boolean }) => !queued && !running;

/** Makes a ref that is held, with contents that were never published. */
async function held() {
  const setup = await published({ ...PART, HISTORY: "block" });
  const { world, repo, standin, push } = setup;
  await push({ "docs/x": "first", src: "0" });
  const tip = await push({ "docs/x": "good", src: "1" });
  const forced = await standin.forcePush(repo, "main", force);
  await world.pushed(forced);
  await untilState(world, "acme/app", ({ lastError }) => lastError?.code === "history_blocked");
  await world.stop();
  return { ...setup, tip, forced };
}

/** Drops objects as GitHub may, some time after nothing leads to them. */
function drop(repo: Repo): void {
  plainGit(repo.dir, "reflog", "expire", "--expire=now", "--all");
  plainGit(repo.dir, "gc", "--quiet", "--prune=now");
}

test("a held ref stays held without the filter: what its commits lack is fetched", async () => {
  const { world, repo, link, tip } = await held();
  await world.start({ ...WHOLE, HISTORY: "block" });
  await untilState(world, "acme/app", (it) => isAtRest(it) && it.filter === null && it.holds.length === 1);
  expect(world.tips(repo)[MAIN]).toBe(tip);
  expectPart(repo, link(), tip, "docs");
  plainGit(world.mirror(repo), "fsck", "--strict");
});

test("a held ref whose contents GitHub has dropped stays held, and the failure is reported", async () => {
  const { world, repo, link, tip, forced } = await held();
  drop(repo);
  await world.start({ ...WHOLE, HISTORY: "block" });
  const { lastError } = await untilState(
    world,
    "acme/app",
    (it) => it.lastError?.code === "contents_missing",
  );
  expect(lastError.message).toContain(`${MAIN} is held at ${tip}`);
  expect(world.tips(repo)[MAIN]).toBe(tip);
  expect(shownFiles(link())).toEqual({ "docs/x": "good" });
  await world.stop();
  await world.start({ ...PART, HISTORY: "block" });
  await untilState(world, "acme/app", (it) => isAtRest(it) && it.lastError?.code === "history_blocked");
  const allowed = await post(world, repo, "allow?wait=30s", { ref: MAIN, wanted: forced.after });
  expect(allowed).toMatchObject({ status: 200 });
  expect(world.tips(repo)[MAIN]).toBe(forced.after);
});

test("kept tips come along without the filter, but for what GitHub has dropped", async () => {
  const { world, repo, standin, push } = await published({ ...PART, HISTORY: "keep" });
  const first = await push({ "docs/x": "1", src: "1" });
  await refreshed(world, async () => world.pushed(await standin.forcePush(repo, "main", force)));
  const start = async (env: Record<string, string>, filter: string | null) => {
    await world.stop();
    await world.start({ ...env, HISTORY: "keep" });
    await untilState(world, "acme/app", (it) => isAtRest(it) && it.state === "fresh" && it.filter === filter);
  };
  await start(WHOLE, null);
  expect((await shown(world, repo)).kept).toMatchObject([{ sha: first }]);
  plainGit(world.mirror(repo), "fsck", "--strict");
  await start(PART, "blob:none");
  expect((await shown(world, repo)).kept).toMatchObject([{ sha: first }]);
  const second = await push({ "docs/y": "2", src: "never published" });
  await refreshed(world, async () => world.pushed(await standin.forcePush(repo, "main", force)));
  drop(repo);
  await start(WHOLE, null);
  // The mirror had every content of the first commit.
  expect((await shown(world, repo)).kept).toMatchObject([{ sha: first }]);
  expect(
    world.log.some(({ event, lost }) => event === "tips_lost" && JSON.stringify(lost).includes(second)),
  ).toBe(true);
  plainGit(world.mirror(repo), "fsck", "--strict");
});

test("what is published is repaired without the filter, although its ref is gone", async () => {
  const CHECKOUTS = "acme/*@side?filter=blob:none&paths=docs";
  const { world, repo, standin, link, push } = await published({ CHECKOUTS, HISTORY: "mirror" });
  await push({ main: "1" });
  const side = await standin.commit(repo, "side", { files: { "docs/x": "good", src: "1" } });
  await refreshed(world, () => world.pushed(side));
  await refreshed(world, async () => world.pushed(await standin.deleteRef(repo, side.ref)));
  await world.stop();
  await world.start({ CHECKOUTS: "acme/*@side?paths=docs", HISTORY: "mirror" });
  await untilState(world, "acme/app", (it) => isAtRest(it) && it.filter === null);
  const file = join(realpathSync(link("app@side")), "docs/x");
  writeFileSync(file, "edited");
  const isRight = () => readFileSync(join(link("app@side"), "docs/x"), "utf8") === "good";
  await untilState(world, "acme/app", isRight, () => world.sweep());
});

test("a rebuilt mirror has the contents of kept tips that the old one had, whatever shares them", async () => {
  const { world, repo, standin, link, push } = await published({ ...PART, HISTORY: "keep" });
  const base = await push({ "docs/x": "shared", src: "1" });
  await standin.writeRef(repo, "refs/heads/side", base);
  const old = await push({ "docs/y": "own" });
  await post(world, repo, "refresh?wait=30s");
  await refreshed(world, async () => world.pushed(await standin.forcePush(repo, "main", force)));
  rmSync(join(world.mirror(repo), "HEAD"));
  await push({ "docs/z": "z" });
  expect(textsIn(world.mirror(repo))).toEqual(expect.arrayContaining(["own", "shared"]));
  expectComplete(world.mirror(repo));
  await refreshed(world, async () => world.pushed(await standin.deleteRef(repo, "refs/heads/side")));
  drop(repo);
  const { kept } = await shown(world, repo);
  const tip = kept.find(({ sha }) => sha === old)!;
  expect(await post(world, repo, "restore?wait=30s", { kept: tip.name })).toMatchObject({ status: 200 });
  expect(shownFiles(link())).toEqual({ "docs/x": "shared", "docs/y": "own" });
  expect(await stateOf(world, "acme/app")).toMatchObject({ filter: "blob:none" });
});
