import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { createLayout } from "../../../src/git/disk/layout.js";
import { createUpkeep } from "../../../src/git/mirror/upkeep.js";
import { looseFile, plainGit, realGit } from "../../support/git.js";
import { force, post, refreshed, shown } from "../../support/history.js";
import { never } from "../../support/mirror.js";
import { expectComplete, expectPart, textsIn } from "../../support/partial.js";
import { published } from "../../support/published.js";
import { stateOf, untilState } from "../../support/state.js";
import { gitmodules, library, shownFiles } from "../../support/submodules.js";
import { ageObjects, DAY_MS } from "../../support/wear.js";

const MAIN = "refs/heads/main";
const PART = { CHECKOUTS: "acme/*?filter=blob:none&paths=docs" };
const isAtRest = ({ queued, running }: { queued: boolean; running: boolean }) => !queued && !running;

test("what a forced push left behind is kept, and comes back with the contents that were published", async () => {
  const { world, repo, standin, link, push } = await published({ ...PART, HISTORY: "keep" });
  const old = await push({ "docs/x": "old", src: "1" });
  const forced = await standin.forcePush(repo, "main", force);
  await refreshed(world, () => world.pushed(forced));
  const { kept } = await shown(world, repo);
  expect(kept).toMatchObject([{ ref: MAIN, sha: old }]);
  const upkeep = createUpkeep({ git: realGit(), layout: createLayout(world.dataDir), timeoutMs: 60_000 });
  await world.stop();
  ageObjects(world.mirror(repo));
  await upkeep.prune(repo.id, DAY_MS, never);
  await world.start();
  await standin.commit(repo, "main", { files: { x: "1" } });
  await untilState(world, "acme/app", isAtRest);
  expect(textsIn(world.mirror(repo))).toContain("old");
  const restored = await post(world, repo, "restore?wait=30s", { kept: kept[0]!.name });
  expect(restored).toMatchObject({ status: 200 });
  await untilState(world, "acme/app", (it) => isAtRest(it) && it.checkouts[0].commit === old);
  expectPart(repo, link(), old, "docs");
  expectComplete(world.mirror(repo));
});

test("a mirror that is proven corrupt is cloned again, and its kept tips and its tree stay", async () => {
  const { world, repo, standin, link, push } = await published({ ...PART, HISTORY: "keep" });
  const old = await push({ "docs/x": "old" });
  await refreshed(world, async () => world.pushed(await standin.forcePush(repo, "main", force)));
  await push({ "docs/y": "y1", src: "s1" });
  rmSync(join(world.mirror(repo), "HEAD"));
  const next = await push({ "docs/z": "z1" });
  expectPart(repo, link(), next, "docs");
  expect((await shown(world, repo)).kept).toMatchObject([{ sha: old }]);
  expect(world.log.some(({ result }) => result === "cloned")).toBe(true);
  expectComplete(world.mirror(repo));
});

test("a commit that GitHub's replicas do not have yet is waited for, contents and all", async () => {
  const { world, repo, standin, link, push } = await published(PART);
  await push({ "docs/a": "1" });
  await standin.serveStale(repo, 60_000);
  const next = await standin.commit(repo, "main", { files: { "docs/a": "2" } });
  await world.pushed(next);
  await world.line(({ event, code }) => event === "refresh_deferred" && code === "not_yet");
  standin.stopStale(repo);
  await untilState(world, "acme/app", (it) => isAtRest(it) && it.checkouts[0].commit === next.after);
  expectPart(repo, link(), next.after, "docs");
});

test("contents that GitHub does not have keep the old tree until they are there; after a while it is a failure", async () => {
  const clock = vi.spyOn(Date, "now");
  onTestFinished(() => clock.mockRestore());
  const { world, repo, standin, link, push } = await published(PART);
  const old = await push({ "docs/a": "1" });
  const next = await standin.commit(repo, "main", { files: { "docs/a": "2" } });
  const file = looseFile(repo.dir, plainGit(repo.dir, "rev-parse", `${next.after}:docs/a`));
  renameSync(file, `${file}.away`);
  const from = world.log.length;
  await world.pushed(next);
  await world.line(({ event, code }) => event === "refresh_deferred" && code === "not_yet", from);
  expectPart(repo, link(), old, "docs");
  const { now } = performance;
  clock.mockImplementation(() => performance.timeOrigin + now.call(performance) + 30_000);
  const { lastError } = await untilState(world, "acme/app", ({ state }) => state === "failing");
  expect(lastError).toMatchObject({ code: "contents_missing", message: expect.stringContaining(next.after) });
  expectPart(repo, link(), old, "docs");
  expect(world.tips(repo)[MAIN]).toBe(next.after);
  renameSync(`${file}.away`, file);
  await untilState(world, "acme/app", (it) => isAtRest(it) && it.checkouts[0].commit === next.after);
  expectPart(repo, link(), next.after, "docs");
});

test("with little room on the disk pushes go on, but thousands of files wait for more", async () => {
  // No reader holds the old tree, so that a push needs no third tree.
  const { world, repo, standin, link, push } = await published({ ...PART, CHECKOUT_GRACE: "0s" });
  for (const text of ["0", "1"]) await push({ "docs/a": text });
  await world.stop();
  await world.start({ MIN_FREE_DISK: "1000TiB" });
  await untilState(world, "acme/app", isAtRest);
  const next = await standin.commit(repo, "main", { files: { "docs/a": "2" } });
  await world.pushed(next);
  await untilState(world, "acme/app", (it) => it.checkouts[0].commit === next.after);
  const names = Array.from({ length: 1_100 }, (_, n) => `docs/${n}`);
  const many = await standin.commit(repo, "main", { files: Object.fromEntries(names.map((it) => [it, it])) });
  await world.pushed(many);
  const { lastError } = await untilState(world, "acme/app", ({ state }) => state === "failing");
  expect(lastError.code).toBe("disk_low");
  expectPart(repo, link(), next.after, "docs");
});

test("a broken download of contents leaves nothing behind once it has come after all", async () => {
  const { world, repo, standin, link, push } = await published(PART);
  await push({ "docs/a": "1" });
  const noise = () => randomBytes(4_000).toString("base64");
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`docs/${n}`, noise()]));
  const next = await standin.commit(repo, "main", { files });
  // The answer with the commits is shorter than this, but counts as well.
  Object.assign(standin.faults, { truncate: 500_000, truncateTimes: 3 });
  await world.pushed(next);
  await untilState(world, "acme/app", (it) => isAtRest(it) && it.checkouts[0].commit === next.after);
  expectPart(repo, link(), next.after, "docs");
  expect(world.log.some(({ event, code }) => event === "refresh_failed" && code === "unreachable")).toBe(
    true,
  );
  await push({ "docs/a": "2" });
  const left = readdirSync(join(world.mirror(repo), "objects/pack")).filter((name) => name.startsWith("tmp"));
  expect(left).toEqual([]);
});

test("an answer that lacks trees moves nothing, nor does a clone's", async () => {
  const { world, repo, standin, push } = await published(PART);
  await push({ "docs/a": "1" });
  const before = world.tips(repo);
  standin.faults.withoutTrees = true;
  const next = await standin.commit(repo, "side", { files: { "docs/a": "2" } });
  await world.pushed(next);
  const { lastError } = await untilState(world, "acme/app", ({ state }) => state === "failing");
  expect(lastError).toMatchObject({ code: "corrupt" });
  expect(world.tips(repo)).toEqual(before);
  expectComplete(world.mirror(repo));
  standin.faults.withoutTrees = false;
  await post(world, repo, "refresh?wait=30s");
  expect(world.tips(repo)).toEqual({ ...before, "refs/heads/side": next.after });
  expectComplete(world.mirror(repo));
});

test("another part of the tree is published at the next start, and only what it lacks is fetched", async () => {
  const { world, repo, standin, link, push } = await published(PART);
  const sha = await push({ "docs/a": "1", "src/b": "2", other: "3" });
  await world.stop();
  standin.gitRequests.length = 0;
  await world.start({ CHECKOUTS: "acme/*?filter=blob:none&paths=docs:src" });
  await untilState(world, "acme/app", (it) => isAtRest(it) && existsSync(join(link(), "src/b")));
  expectPart(repo, link(), sha, "docs", "src");
  expect(textsIn(world.mirror(repo))).toEqual(["1", "2"]);
});

test("refs to tags of files, and to files, are mirrored", async () => {
  const { world, repo, standin } = await published(PART);
  const license = plainGit(repo.dir, "hash-object", "-w", join(repo.dir, "HEAD"));
  const tagged = plainGit(repo.dir, "hash-object", "-w", join(repo.dir, "config"));
  plainGit(repo.dir, "tag", "-a", "-m", "x", "of-a-file", tagged);
  plainGit(repo.dir, "update-ref", "refs/tags/a-file", license);
  await post(world, repo, "refresh?wait=30s");
  await world.inStep(repo);
  expect(world.tips(repo)["refs/tags/a-file"]).toBe(license);
  const upkeep = createUpkeep({ git: realGit(), layout: createLayout(world.dataDir), timeoutMs: 60_000 });
  expect(await upkeep.check(repo.id, never)).toEqual({ sound: true });
  await upkeep.prune(repo.id, DAY_MS, never);
  expectComplete(world.mirror(repo));
  await standin.commit(repo, "main", { files: { "docs/a": "1" } });
  await post(world, repo, "refresh?wait=30s");
  expect(await stateOf(world, "acme/app")).toMatchObject({ state: "fresh" });
});

test("a whole mirror may have a partial one's repository as its submodule", async () => {
  const CHECKOUTS = "acme/app?submodules=yes,acme/lib?filter=blob:none&paths=docs";
  const { world, repo, standin, link, push } = await published({ CHECKOUTS });
  const lib = await library(standin, "acme", "lib");
  const gitlink = await lib.write({ "src/a": "1", "docs/d": "2" });
  world.sweep();
  await untilState(
    world,
    "acme/lib",
    ({ checkouts, filter }) => filter !== null && checkouts?.[0]?.commit === gitlink,
  );
  await push({ ".gitmodules": gitmodules({ lib: "../lib.git" }), lib: { gitlink } });
  expect(shownFiles(link())).toMatchObject({ "lib/src/a": "1", "lib/docs/d": "2" });
  expect(textsIn(join(world.mirror(repo), "../lib.git"))).toEqual(["2"]);
});

test("files that git leaves when it is killed are cleared, and what it had not brought is", async () => {
  const { world, repo, link, push } = await published(PART);
  await push({ "docs/a": "1" });
  await world.stop();
  const mirror = world.mirror(repo);
  writeFileSync(join(mirror, "lockstep-brought", "@.lock"), "{");
  writeFileSync(join(mirror, "lockstep-brought", "@"), "{");
  writeFileSync(join(mirror, "objects/pack/tmp_pack_x"), "");
  await world.start();
  const next = await push({ "docs/b": "2" });
  expectPart(repo, link(), next, "docs");
  expect(existsSync(join(mirror, "lockstep-brought", "@.lock"))).toBe(false);
  expect(existsSync(join(mirror, "objects/pack/tmp_pack_x"))).toBe(false);
  expect(existsSync(realpathSync(link()))).toBe(true);
});
