import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { wikiIdOf } from "../../src/base/wikis.js";
import { atRest, passed, stateOf, statusOf, untilState } from "../support/state.js";
import { delivered, told, wrote } from "../support/wikis.js";
import { type LogLine, World } from "../support/world.js";

const fresh = (world: World) => fetch(`${world.url}/freshz`);

test("a wiki without a page is an empty mirror, quietly, and has each page moments after it was saved", async () => {
  const world = await World.create({ WIKIS: "yes" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const empty = await untilState(world, "acme/app.wiki", ({ state }) => state === "fresh");
  expect(empty).toMatchObject({ pushedAt: null, defaultBranch: "master", lastError: null });
  await passed(world);
  await untilState(world, "acme/app.wiki", ({ state }) => state === "fresh");
  expect((await fresh(world)).status).toBe(200);
  expect((await statusOf(world)).problems).toEqual([]);
  expect(world.log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);

  const first = await wrote(world, repo);
  await delivered(world, first);
  await world.inStep(first.wiki);
  const second = await wrote(world, repo, "Setup");
  await delivered(world, second);
  await world.inStep(second.wiki);
  expect(world.tips(first.wiki)).toEqual({ "refs/heads/master": second.pages[0]!.sha });
  expect((await fresh(world)).status).toBe(200);
});

test("the backstop finds a push to a wiki that nobody delivered", async () => {
  const world = await World.create({ WIKIS: "yes" });
  const { standin } = world;
  const repo = await standin.createRepository("acme", "app");
  const { wiki } = await wrote(world, repo);
  await world.start(repo, wiki);
  const { after } = await standin.commit(wiki, "master");
  await passed(world);
  expect(world.tips(wiki)["refs/heads/master"]).toBe(after);
  expect((await statusOf(world)).problems).toEqual([]);
});

test("a page that GitHub's replicas do not show yet is waited for", async () => {
  const world = await World.create({ WIKIS: "yes" });
  const repo = await world.standin.createRepository("acme", "app");
  const { wiki } = await wrote(world, repo);
  await world.start(repo, wiki);
  await world.standin.serveStale(wiki, 60_000);
  const from = world.log.length;
  await delivered(world, await wrote(world, repo));
  await world.line(
    ({ event, repository }) => event === "refresh_deferred" && repository === "acme/app.wiki",
    from,
  );
  world.standin.stopStale(wiki);
  await world.inStep(wiki);
});

test("a wiki goes with its repository: renamed, transferred, gone and back", async () => {
  const world = await World.create({ WIKIS: "yes" });
  const { standin } = world;
  const repo = await standin.createRepository("acme", "app");
  const { wiki } = await wrote(world, repo);
  await world.start(repo, wiki);
  const { id } = await stateOf(world, "acme/app.wiki");
  expect(id).toBe(1_000_000_000_000 + repo.id);

  standin.renameRepository(repo, "site");
  await told(world, "renamed", repo);
  await untilState(world, "acme/site.wiki", ({ state }) => state === "fresh");
  expect((await stateOf(world, "acme/site.wiki")).id).toBe(id);
  await world.inStep(wiki);

  const other = standin.createInstallation("globex");
  standin.transferRepository(repo, other);
  await told(world, "transferred", repo);
  const moved = await untilState(world, "globex/site.wiki", ({ state }) => state === "fresh");
  expect(moved).toMatchObject({ id, installationId: other.id });
  await world.inStep(wiki);

  standin.removeRepository(repo);
  await passed(world);
  expect((await untilState(world, "globex/site.wiki", ({ state }) => state === "gone")).id).toBe(id);
  expect(world.log.filter(({ event }) => event === "removal_held")).toEqual([]);
  standin.addRepository(repo, other);
  const edit = await wrote(world, repo);
  await passed(world);
  expect((await untilState(world, "globex/site.wiki", ({ state }) => state === "fresh")).id).toBe(id);
  expect(world.tips(wiki)["refs/heads/master"]).toBe(edit.pages[0]!.sha);
});

test("a wiki that is switched off is gone while its repository stays, and comes back", async () => {
  const world = await World.create({ WIKIS: "yes" });
  const repo = await world.standin.createRepository("acme", "app");
  const { wiki } = await wrote(world, repo);
  await world.start(repo, wiki);
  world.standin.setWiki(repo, false);
  await passed(world);
  await untilState(world, "acme/app.wiki", ({ state }) => state === "gone");
  await untilState(world, "acme/app", ({ state }) => state === "fresh");
  world.standin.setWiki(repo, true);
  await passed(world);
  await untilState(world, "acme/app.wiki", ({ state }) => state === "fresh");
  await world.inStep(wiki);
});

test("REPOSITORIES chooses a wiki with its repository", async () => {
  const world = await World.create({ WIKIS: "yes", REPOSITORIES: "acme/app" });
  const app = await world.standin.createRepository("acme", "app");
  const other = await world.standin.createRepository("acme", "other");
  const { wiki } = await wrote(world, app);
  await wrote(world, other);
  await world.start(app, wiki);
  await passed(world);
  expect((await world.api("/api/v1/repos/acme/other.wiki")).status).toBe(404);
});

test("a mirror with pages is never emptied because GitHub says that there is no such wiki", async () => {
  const world = await World.create({ WIKIS: "yes" });
  const repo = await world.standin.createRepository("acme", "app");
  const { wiki, pages } = await wrote(world, repo);
  await world.start(repo, wiki);
  world.standin.faults.gitStatus = { path: "app.wiki", status: 404, times: 50 };
  world.sweep();
  await untilState(world, "acme/app.wiki", ({ state }) => state === "failing");
  expect(world.tips(wiki)).toEqual({ "refs/heads/master": pages[0]!.sha });
});

test("nor is one whose database was lost", async () => {
  const world = await World.create({ WIKIS: "yes" });
  const repo = await world.standin.createRepository("acme", "app");
  const { wiki, pages } = await wrote(world, repo);
  await world.start(repo, wiki);
  await world.stop();
  for (const name of readdirSync(world.dataDir))
    if (name.startsWith("lockstep.db")) rmSync(join(world.dataDir, name));
  world.standin.faults.gitStatus = { path: "app.wiki", status: 404, times: 50 };
  const from = world.log.length;
  await world.start();
  const failed = await world.line(
    ({ event, repository }) => event === "refresh_failed" && repository === "acme/app.wiki",
    from,
  );
  expect(failed.code).toBe("not_found");
  expect(world.tips(wiki)).toEqual({ "refs/heads/master": pages[0]!.sha });
});

test("a mirror without pages that a power cut has spoilt is made again, though GitHub has no such wiki", async () => {
  const world = await World.create({ WIKIS: "yes" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await untilState(world, "acme/app.wiki", ({ state }) => state === "fresh");
  await world.stop();
  const mirror = join(world.dataDir, "repos", String(wikiIdOf(repo.id)), "mirror.git");
  for (const name of ["HEAD", "config"]) writeFileSync(join(mirror, name), "");
  const from = world.log.length;
  await world.start(repo);
  await passed(world);
  const answered = ({ event, repository }: LogLine) =>
    ["refreshed", "refresh_failed"].includes(event) && repository === "acme/app.wiki";
  expect(await world.line(answered, from)).toMatchObject({ event: "refreshed", result: "cloned" });
  expect((await fresh(world)).status).toBe(200);
});

test("without WIKIS nothing is asked about wikis, and their events are ignored", async () => {
  const world = await World.create();
  const { standin } = world;
  const repo = await standin.createRepository("acme", "app");
  const edit = await wrote(world, repo);
  await world.start(repo);
  const payload = standin.eventFor("gollum", "edited", edit);
  const to = `${world.url}/api/github/webhooks`;
  expect((await standin.deliverEvent("gollum", payload, { to })).status).toBe(204);
  await passed(world);
  await atRest(world, repo);
  expect([...standin.calls, ...standin.gitRequests].filter(({ path }) => path.includes("wiki"))).toEqual([]);
  expect((await world.api("/api/v1/repos/acme/app.wiki")).status).toBe(404);
});

test("a wiki is refreshed by hand, and goes when WIKIS is no longer set", async () => {
  const world = await World.create();
  const repo = await world.standin.createRepository("acme", "app");
  const { wiki } = await wrote(world, repo);
  await world.start(repo, wiki, { WIKIS: "yes" });
  const { pages } = await wrote(world, repo);
  expect((await world.api("/api/v1/repos/acme/app.wiki/refresh", { method: "POST" })).status).toBe(202);
  await world.inStep(wiki);
  await world.stop();

  await world.start(repo);
  await untilState(world, "acme/app.wiki", ({ state }) => state === "gone");
  expect(world.tips(wiki)).toEqual({ "refs/heads/master": pages[0]!.sha });
  await untilState(world, "acme/app", ({ state }) => state === "fresh");
});
