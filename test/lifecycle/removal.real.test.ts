import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { expect, test } from "vitest";
import type { Repo } from "../../tools/standin/index.js";
import { passed, type Shown, stateOf, untilState } from "../support/state.js";
import { World } from "../support/world.js";

async function many(count: number, env: Record<string, string> = {}) {
  const world = await World.create(env);
  const installation = world.standin.createInstallation("acme");
  const names = Array.from({ length: count }, (_, index) => `app-${index}`);
  const repos = await world.standin.createRepositories(installation, names);
  await world.start(...repos);
  await aged(world);
  return { world, installation, repos };
}

/** Ages every repository by two hours, because the removal of a new one is not held. */
async function aged(world: World): Promise<void> {
  await passed(world);
  await world.stop();
  const db = new Database(`${world.dataDir}/lockstep.db`);
  db.exec("UPDATE repositories SET added_at = added_at - 7200000");
  db.close();
  await world.start();
  // The first pass must be over, because its older list would bring back what a test removes.
  await passed(world);
}

async function heldOf(world: World): Promise<Shown> {
  const answer = (await (await world.api("/api/v1/installations")).json()) as Shown;
  return answer.installations[0].heldRemoval;
}

const statesOf = async (world: World, repos: Repo[]) => {
  const states = new Set<string>();
  for (const { owner, name } of repos) states.add((await stateOf(world, `${owner}/${name}`)).state);
  return [...states];
};

test("many repositories missing at once are held, shown, and gone only after an operator confirms", async () => {
  const { world, installation, repos } = await many(30);
  const missing = repos.slice(0, 11);
  for (const repo of missing) world.standin.removeRepository(repo);
  world.sweep();
  const line = await world.line(({ event }) => event === "removal_held");
  expect(line).toMatchObject({ count: 11, installation: installation.id });
  expect(await statesOf(world, missing)).toEqual(["failing"]);
  const shown = await stateOf(world, "acme/app-0");
  expect(shown.lastError).toMatchObject({ code: "removal_held" });
  const held = await heldOf(world);
  expect(held.repositories).toHaveLength(11);
  expect(await (await world.api("/freshz")).json()).toMatchObject({ problems: [{ code: "removal_held" }] });
  // GitHub is not asked about them singly, and no refresh of its own removes one.
  await world.api("/api/v1/repos/acme/app-0/refresh?wait=30s", { method: "POST" });
  expect((await stateOf(world, "acme/app-0")).state).toBe("failing");

  const [, path = ""] = held.confirm.split(" ");
  const answer = await world.api(path, { method: "POST" });
  expect(await answer.json()).toEqual({ confirmed: true, repositories: 11 });
  expect(await statesOf(world, missing)).toEqual(["gone"]);
  expect(await statesOf(world, repos.slice(11))).toEqual(["fresh"]);
  expect((await world.api(path, { method: "POST" })).status).toBe(409);
  for (const { id } of missing) expect(existsSync(join(world.dataDir, "repos", String(id)))).toBe(true);
});

test("a held removal ends on its own when GitHub lists the repositories again", async () => {
  const { world, installation, repos } = await many(12);
  for (const repo of repos) world.standin.removeRepository(repo);
  world.sweep();
  await world.line(({ event }) => event === "removal_held");
  await world.standin.commit(repos[0]!, "main");
  for (const repo of repos) world.standin.addRepository(repo, installation);
  world.sweep();
  for (const repo of repos) await untilState(world, `acme/${repo.name}`, ({ state }) => state === "fresh");
  await world.inStep(repos[0]!);
  expect(await heldOf(world)).toBeNull();
});

test("removals that come one by one within the hour count together", async () => {
  const { world, repos } = await many(14);
  for (const repo of repos.slice(0, 12)) {
    const event = world.standin.eventFor("repository", "deleted", { repo });
    await world.standin.deleteRepository(repo);
    await world.standin.deliverEvent("repository", event, { to: `${world.url}/api/github/webhooks` });
  }
  for (const repo of repos.slice(0, 12))
    await untilState(world, `acme/${repo.name}`, ({ state }) => state === "gone" || state === "failing");
  const states = await Promise.all(
    repos.map(async ({ name }) => (await stateOf(world, `acme/${name}`)).state),
  );
  expect(states.filter((state) => state === "gone")).toHaveLength(10);
  expect(states.filter((state) => state === "failing")).toHaveLength(2);
});

test("an uninstalled App with many repositories: held; with few: gone", async () => {
  const { world, installation } = await many(12);
  const small = world.standin.createInstallation("globex");
  const [few] = await world.standin.createRepositories(small, ["site"]);
  world.sweep();
  await world.inStep(few!);
  for (const gone of [installation, small]) {
    const event = world.standin.eventFor("installation", "deleted", { installation: gone });
    world.standin.removeInstallation(gone);
    await world.standin.deliverEvent("installation", event, { to: `${world.url}/api/github/webhooks` });
  }
  await world.line(({ event }) => event === "removal_held");
  await untilState(world, "globex/site", ({ state }) => state === "gone");
  expect((await stateOf(world, "acme/app-1")).lastError).toMatchObject({ code: "removal_held" });
});

test("held repositories stay held when the counts change: only a confirmation or GitHub ends it", async () => {
  const { world, installation, repos } = await many(50);
  for (const repo of repos.slice(0, 11)) world.standin.removeRepository(repo);
  world.sweep();
  await world.line(({ event }) => event === "removal_held");
  const more = await world.standin.createRepositories(installation, [
    "new-1",
    "new-2",
    "new-3",
    "new-4",
    "new-5",
    "new-6",
  ]);
  world.sweep();
  for (const repo of more) await world.inStep(repo);
  await passed(world);
  expect((await heldOf(world)).repositories).toHaveLength(11);
  expect(await statesOf(world, repos.slice(0, 11))).toEqual(["failing"]);
});

test("another App's DATA_DIR is refused; many small installations that vanish together are held", async () => {
  const world = await World.create();
  const repos: Repo[] = [];
  const installations = ["one", "two", "three"].map((login) => world.standin.createInstallation(login));
  for (const installation of installations)
    repos.push(...(await world.standin.createRepositories(installation, ["a", "b", "c", "d", "e", "f"])));
  await world.start(...repos);
  await aged(world);
  for (const installation of installations) world.standin.removeInstallation(installation);
  world.sweep();
  await world.line(({ event }) => event === "removal_held");
  expect((await world.api("/freshz")).status).toBe(503);
  await world.stop();
  await expect(world.start({ APP_ID: "77" })).rejects.toThrow(/App 4242, and APP_ID is 77/);
});

test("repositories that are created and deleted within the hour do not count", async () => {
  const { world, installation } = await many(20);
  const short = await world.standin.createRepositories(
    installation,
    Array.from({ length: 12 }, (_, index) => `short-${index}`),
  );
  world.sweep();
  for (const repo of short) await world.inStep(repo);
  for (const repo of short) await world.standin.deleteRepository(repo);
  await passed(world);
  expect(await statesOf(world, short)).toEqual(["gone"]);
  expect(await heldOf(world)).toBeNull();
});

test("an uninstalled App: new repositories are gone, however many others are held", async () => {
  const { world, installation } = await many(12);
  const young = await world.standin.createRepository("acme", "young");
  world.sweep();
  await world.inStep(young);
  world.standin.removeInstallation(installation);
  for (let pass = 0; pass < 2; pass++) await passed(world);
  expect((await stateOf(world, "acme/young")).state).toBe("gone");
  expect((await heldOf(world)).repositories).toHaveLength(12);
});

test("an uninstalled App's repositories that are neither held nor gone are asked for again", async () => {
  const { world, installation } = await many(12);
  world.standin.removeInstallation(installation);
  for (let pass = 0; pass < 2; pass++) await passed(world);
  await world.stop();
  // An earlier Lockstep, killed while it confirmed a removal, left them in this state.
  const db = new Database(`${world.dataDir}/lockstep.db`);
  db.exec(`UPDATE installations SET confirmed_at = ${Date.now()}; DELETE FROM held_removals`);
  db.close();
  await world.start();
  await passed(world);
  const [, path = ""] = (await heldOf(world)).confirm.split(" ");
  expect(await (await world.api(path, { method: "POST" })).json()).toMatchObject({ repositories: 12 });
  expect((await stateOf(world, "acme/app-0")).state).toBe("gone");
  // Once settled, the repositories are not asked for any more.
  const calls: string[] = [];
  world.standin.on("call", (call) => calls.push(call.path));
  await passed(world);
  expect(calls.filter((path) => path.includes(`/installations/${installation.id}`))).toEqual([]);
});
