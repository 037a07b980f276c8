import { existsSync, lstatSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { expect, onTestFinished, test, vi } from "vitest";
import { changed, type Repo } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import { passed, type Shown, stateOf, untilState } from "../support/state.js";
import { World } from "../support/world.js";

const hook = (world: World) => ({ to: `${world.url}/api/github/webhooks` });
const linkOf = (world: World, owner: string, name: string) =>
  join(world.dataDir, "mirrors", owner, `${name}.git`);
const mirrorOf = (world: World, id: number) => join(world.dataDir, "repos", String(id), "mirror.git");

async function acme(env: Record<string, string> = {}, names = ["app"]) {
  const world = await World.create(env);
  const installation = world.standin.createInstallation("acme");
  const repos = [];
  for (const name of names) repos.push(await world.standin.createRepository("acme", name));
  await world.start(...repos);
  return { world, installation, repos };
}

test("a renamed repository keeps its mirror and moves its link; a new one takes its old name", async () => {
  const { world, repos } = await acme();
  const [repo] = repos as [(typeof repos)[0]];
  const inode = statSync(mirrorOf(world, repo.id)).ino;
  world.standin.renameRepository(repo, "site");
  const event = world.standin.eventFor("repository", "renamed", { repo, changes: changed.name("app") });
  await world.standin.deliverEvent("repository", event, hook(world));
  await untilState(world, "acme/site", ({ state }) => state === "fresh");
  expect(readlinkSync(linkOf(world, "acme", "site"))).toBe(`../../repos/${repo.id}/mirror.git`);
  expect(lstatSync(linkOf(world, "acme", "app"), { throwIfNoEntry: false })).toBeUndefined();
  expect(statSync(mirrorOf(world, repo.id)).ino).toBe(inode);

  const taker = await world.standin.createRepository("acme", "app");
  await world.pushed(await world.standin.commit(taker, "main"));
  await world.inStep(taker);
  expect(readlinkSync(linkOf(world, "acme", "app"))).toBe(`../../repos/${taker.id}/mirror.git`);
  expect((await stateOf(world, "acme/app")).id).toBe(taker.id);
  expect((await stateOf(world, "acme/site")).id).toBe(repo.id);
});

test("two repositories swap their names without any event", async () => {
  const { world, repos } = await acme({}, ["one", "two"]);
  const [one, two] = repos as [(typeof repos)[0], (typeof repos)[0]];
  world.standin.renameRepository(one, "between");
  world.standin.renameRepository(two, "one");
  world.standin.renameRepository(one, "two");
  world.sweep();
  await untilState(world, "acme/two", ({ id }) => id === one.id);
  await untilState(world, "acme/one", ({ id }) => id === two.id);
  expect(readlinkSync(linkOf(world, "acme", "two"))).toBe(`../../repos/${one.id}/mirror.git`);
  expect(readlinkSync(linkOf(world, "acme", "one"))).toBe(`../../repos/${two.id}/mirror.git`);
});

test("an organization's new login renames all its repositories", async () => {
  const { world, installation, repos } = await acme({}, ["one", "two"]);
  world.standin.renameOwner(installation, "acme-labs");
  const event = world.standin.eventFor("installation_target", "renamed", { installation, from: "acme" });
  await world.standin.deliverEvent("installation_target", event, hook(world));
  for (const repo of repos) {
    await untilState(world, `acme-labs/${repo.name}`, ({ id, state }) => id === repo.id && state === "fresh");
    expect(readlinkSync(linkOf(world, "acme-labs", repo.name))).toContain(String(repo.id));
  }
  expect(existsSync(join(world.dataDir, "mirrors", "acme"))).toBe(false);
});

test("a transfer moves no mirror, whichever event comes first", async () => {
  const { world, installation, repos } = await acme();
  const [repo] = repos as [(typeof repos)[0]];
  const other = world.standin.createInstallation("globex");
  const inode = statSync(mirrorOf(world, repo.id)).ino;
  world.standin.transferRepository(repo, other, "globex");
  const removed = world.standin.eventFor("installation_repositories", "removed", {
    installation,
    repositories: [repo],
  });
  await world.standin.deliverEvent("installation_repositories", removed, hook(world));
  const added = world.standin.eventFor("installation_repositories", "added", {
    installation: other,
    repositories: [repo],
  });
  await world.standin.deliverEvent("installation_repositories", added, hook(world));
  await untilState(world, "globex/app", ({ state, installationId }) =>
    [state === "fresh", installationId === other.id].every(Boolean),
  );
  expect(statSync(mirrorOf(world, repo.id)).ino).toBe(inode);
  const clones = world.refreshes().filter(({ result }) => result === "cloned");
  expect(clones).toHaveLength(1);
});

test.each([true, false])(
  "removed from the installation (private: %s): gone, kept, resumed",
  async (isPrivate) => {
    const { world, installation, repos } = await acme({}, ["app", "other"]);
    const [repo] = repos as [(typeof repos)[0]];
    world.standin.setPrivate(repo, isPrivate);
    world.standin.removeRepository(repo);
    const removed = world.standin.eventFor("installation_repositories", "removed", {
      installation,
      repositories: [],
    });
    await world.standin.deliverEvent("installation_repositories", removed, hook(world));
    const gone = await untilState(world, "acme/app", ({ state }) => state === "gone");
    expect(Date.parse(gone.retiresAt) - Date.parse(gone.goneAt)).toBe(7 * 86_400_000);
    expect(world.tips(repo)).not.toEqual({});
    expect(await (await world.api("/api/v1/repos/acme/app/refresh?wait=30s", { method: "POST" })).json());
    expect((await stateOf(world, "acme/app")).state).toBe("gone");

    await world.standin.commit(repo, "main");
    world.standin.addRepository(repo, installation);
    world.sweep();
    await untilState(world, "acme/app", ({ state }) => state === "fresh");
    await world.inStep(repo);
    expect(world.refreshes().filter(({ result }) => result === "cloned")).toHaveLength(2);
  },
);

test("gone for RETIRE_AFTER: mirror and link are deleted; back again: cloned again", async () => {
  const { world, installation, repos } = await acme({ RETIRE_AFTER: "1s" });
  const [repo] = repos as [(typeof repos)[0]];
  world.standin.removeRepository(repo);
  world.sweep();
  await untilState(world, "acme/app", ({ state }) => state === "gone");
  await untilState(
    world,
    "acme/app",
    ({ state }) => state === "retired",
    () => world.sweep(),
  );
  expect(existsSync(join(world.dataDir, "repos", String(repo.id)))).toBe(false);
  expect(lstatSync(linkOf(world, "acme", "app"), { throwIfNoEntry: false })).toBeUndefined();
  world.standin.addRepository(repo, installation);
  world.sweep();
  await world.inStep(repo);
  await untilState(world, "acme/app", ({ state }) => state === "fresh");
});

test("a suspended installation pauses its repositories and affects no other installation", async () => {
  const { world, installation, repos } = await acme();
  const [repo] = repos as [(typeof repos)[0]];
  const other = await world.standin.createRepository("globex", "site");
  world.sweep();
  await world.inStep(other);
  world.standin.suspendInstallation(installation);
  const suspend = world.standin.eventFor("installation", "suspend", { installation });
  await world.standin.deliverEvent("installation", suspend, hook(world));
  await untilState(world, "acme/app", ({ state }) => state === "suspended");
  const fresh = await world.api("/freshz");
  expect(fresh.status).toBe(503);
  expect(await fresh.json()).toMatchObject({
    problems: [{ code: "installation_suspended", installationId: installation.id }],
  });
  await world.pushed(await world.standin.commit(other, "main"));
  await world.inStep(other);

  await world.standin.commit(repo, "main");
  world.standin.suspendInstallation(installation, false);
  const unsuspend = world.standin.eventFor("installation", "unsuspend", { installation });
  await world.standin.deliverEvent("installation", unsuspend, hook(world));
  await world.inStep(repo);
  await untilState(world, "acme/app", ({ state }) => state === "fresh");
  // An answer of a moment ago may be given once more.
  await expect.poll(async () => (await world.api("/freshz")).status).toBe(200);
});

test("the default branch is edited: HEAD follows", async () => {
  const { world, repos } = await acme();
  const [repo] = repos as [(typeof repos)[0]];
  await world.standin.createBranch(repo, "trunk");
  await world.standin.setDefaultBranch(repo, "trunk");
  const edited = world.standin.eventFor("repository", "edited", {
    repo,
    changes: changed.defaultBranch("main"),
  });
  await world.standin.deliverEvent("repository", edited, hook(world));
  await untilState(world, "acme/app", ({ state, defaultBranch }) =>
    [state === "fresh", defaultBranch === "trunk"].every(Boolean),
  );
  await world.inStep(repo);
  expect(plainGit(world.mirror(repo), "symbolic-ref", "HEAD").trim()).toBe("refs/heads/trunk");
});

test("a deleted repository is gone, whatever the order of its events, and if they come twice", async () => {
  const { world, installation, repos } = await acme({}, ["app", "other"]);
  const [repo] = repos as [(typeof repos)[0]];
  const late = await world.standin.commit(repo, "main");
  const deleted = world.standin.eventFor("repository", "deleted", { repo, installation });
  await world.standin.deleteRepository(repo);
  await world.standin.deliverEvent("repository", deleted, hook(world));
  await untilState(world, "acme/app", ({ state }) => state === "gone");
  await world.pushed(late);
  await world.standin.deliverEvent("repository", deleted, hook(world));
  await untilState(world, "acme/app", ({ state, queued, running }) =>
    [state === "gone", !queued, !running].every(Boolean),
  );
  expect(existsSync(mirrorOf(world, repo.id))).toBe(true);
});

test.each([
  { aheadS: 86_400, ends: { name: "site", defaultBranch: "trunk" } },
  // An answer that was on its way may be this old.
  { aheadS: 60, ends: { name: "app", defaultBranch: "main" } },
])("GitHub's clock was $aheadS s ahead at its last answer", async ({ aheadS, ends }) => {
  const { world, repos } = await acme();
  const [repo] = repos as [(typeof repos)[number]];
  await passed(world);
  await world.stop();
  const db = new Database(`${world.dataDir}/lockstep.db`);
  db.exec(`UPDATE repositories SET told_at = told_at + ${aheadS}, compared_at = compared_at + ${aheadS}`);
  db.close();
  world.standin.renameRepository(repo, "site");
  await world.standin.createBranch(repo, "trunk");
  await world.standin.setDefaultBranch(repo, "trunk");
  await world.start();
  await passed(world);
  const shown = await untilState(world, `acme/${ends.name}`, ({ state }) => state === "fresh");
  expect(shown).toMatchObject({ id: repo.id, ...ends });
});

/** A repository is created that GitHub's API does not know at first. */
async function created(hide: (world: World, repo: Repo) => void) {
  const { world, installation } = await acme();
  const repo = await world.standin.createRepository("acme", "new");
  const event = world.standin.eventFor("repository", "created", { repo, installation });
  hide(world, repo);
  const { id } = await world.standin.deliverEvent("repository", event, hook(world));
  await world.line(({ event, code }) => event === "refresh_deferred" && code === "not_yet");
  const became = async () => {
    const { deliveries }: Shown = await (await world.api("/api/v1/deliveries")).json();
    return deliveries.find((it: Shown) => it.id === id).became;
  };
  return { world, repo, became };
}

test("a new repository that GitHub does not know for a moment is asked for again, and cloned", async () => {
  const { world, repo, became } = await created(({ standin: { faults } }, { id }) => {
    faults.restStatus = { status: 404, times: 1, path: `/repositories/${id}` };
  });
  expect(await became()).toMatch(/^queued/);
  await world.inStep(repo);
  await untilState(world, "acme/new", ({ state }) => state === "fresh");
  expect(await became()).toMatch(/^refreshed at/);
});

test("a new repository that GitHub does not know for longer is not managed", async () => {
  vi.useFakeTimers({ toFake: ["Date"], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const { world, became } = await created(({ standin }, repo) => standin.removeRepository(repo));
  const listedAt = async () => {
    const { installations }: Shown = await (await world.api("/api/v1/installations")).json();
    return installations[0].lastListedAt;
  };
  const before = await listedAt();
  world.sweep();
  // The list of its installation does not decide either.
  while ((await listedAt()) === before) await world.nextLine();
  expect((await stateOf(world, "acme/new")).state).toBe("onboarding");
  vi.setSystemTime(Date.now() + 21_000);
  await untilState(world, "acme/new", ({ status }) => status === 404);
  expect(await became()).toMatch(/^refreshed at/);
  expect(world.log.filter(({ event, subject }) => event === "refresh_deferred" && subject)).toEqual([]);
});
