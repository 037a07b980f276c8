import { existsSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Repo } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import { post } from "../support/history.js";
import { passed, stateOf, untilState } from "../support/state.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

const linkOf = (world: World, fullName: string) => join(world.dataDir, "mirrors", `${fullName}.git`);

/** Returns the id of the repository whose mirror the name leads to; null when there is no such name. */
function idAt(world: World, fullName: string): number | null {
  const link = linkOf(world, fullName);
  return existsSync(link) ? Number(readlinkSync(link).split("/").at(-2)) : null;
}

const until = (world: World, isSo: () => boolean) => untilState(world, "acme/app", isSo);

/** Settles the repository, so that no pass would compare it on its own. */
async function settledRepo(world: World, name: string): Promise<Repo> {
  const repo = await world.standin.createRepository("acme", name);
  repo.pushedAt -= 60;
  return repo;
}

/** A git that waits at the end of a clone while the file `hold` exists. */
function slowGit() {
  const [binary, reached, hold] = ["git", "reached", "hold"].map((name) => join(tempDir(), name));
  const script = [
    "#!/bin/sh",
    'git "$@"',
    "code=$?",
    `case "$*" in *pack-refs*) if [ -e '${hold}' ] && [ ! -e '${reached}' ]; then touch '${reached}'`,
    `while [ -e '${hold}' ]; do sleep 0.02; done; fi;; esac`,
    "exit $code",
  ];
  writeFileSync(binary!, script.join("\n"), { mode: 0o755 });
  return {
    binary: binary!,
    hold: () => writeFileSync(hold!, ""),
    reached: () => existsSync(reached!),
    release: () => rmSync(hold!),
  };
}

const deliver = (world: World, event: ReturnType<World["standin"]["eventFor"]>) =>
  world.standin.deliverEvent("repository", event, { to: `${world.url}/api/github/webhooks` });

test("a repository created under the name of one that is being cloned keeps the name", async () => {
  const git = slowGit();
  const world = await World.create({ GIT_BINARY: git.binary });
  await world.start();
  git.hold();
  const first = await settledRepo(world, "app");
  world.sweep();
  await until(world, git.reached);
  await world.standin.deleteRepository(first);
  const second = await settledRepo(world, "app");
  await deliver(world, world.standin.eventFor("repository", "created", { repo: second }));
  await untilState(world, "acme/app", ({ id, state }) => id === second.id && state === "fresh");
  expect(idAt(world, "acme/app")).toBe(second.id);
  const from = world.log.length;
  git.release();
  await world.line(({ event, result }) => event === "refreshed" && result === "skipped", from);
  expect(idAt(world, "acme/app")).toBe(second.id);
  expect(existsSync(join(world.dataDir, "repos", String(first.id), "mirror.git"))).toBe(false);
  await passed(world);
  expect(idAt(world, "acme/app")).toBe(second.id);
});

test("two repositories that swap names during a clone end with the right names, whatever was reported", async () => {
  const git = slowGit();
  const world = await World.create({ GIT_BINARY: git.binary });
  const bee = await settledRepo(world, "bee");
  await world.start(bee);
  git.hold();
  const app = await settledRepo(world, "app");
  world.sweep();
  await until(world, git.reached);
  world.standin.renameRepository(app, "other");
  world.standin.renameRepository(bee, "app");
  await deliver(world, world.standin.eventFor("repository", "renamed", { repo: bee }));
  await untilState(world, "acme/app", ({ id, state }) => id === bee.id && state === "fresh");
  git.release();
  await passed(world);
  await until(world, () => idAt(world, "acme/other") === app.id);
  expect(idAt(world, "acme/app")).toBe(bee.id);
  expect(idAt(world, "acme/bee")).toBeNull();
});

test("a name that something else occupies is reported until it is free, and is then used", async () => {
  const world = await World.create();
  const repo = await settledRepo(world, "app");
  await world.start(repo);
  mkdirSync(linkOf(world, "acme/site"));
  world.standin.renameRepository(repo, "site");
  await passed(world);
  await untilState(world, "acme/site", ({ lastError }) => lastError?.code === "foreign");
  world.standin.strictClock = true;
  for (let ticks = 0; ticks < 3; ticks++) world.standin.world.tick();
  const push = await world.standin.commit(repo, "main");
  await world.pushed(push);
  const mirror = join(world.dataDir, "repos", String(repo.id), "mirror.git");
  await until(world, () => plainGit(mirror, "rev-parse", "main") === push.after);
  await untilState(world, "acme/site", ({ queued, running }) => !queued && !running);
  expect(await stateOf(world, "acme/site")).toMatchObject({
    state: "failing",
    lastError: { code: "foreign" },
  });
  rmSync(linkOf(world, "acme/site"), { recursive: true });
  await passed(world);
  await untilState(world, "acme/site", ({ state }) => state === "fresh");
  await until(world, () => idAt(world, "acme/site") === repo.id && idAt(world, "acme/app") === null);
});

test("missing links are created and leftover links removed, by a start or a pass", async () => {
  const world = await World.create();
  const [app, bee] = [await settledRepo(world, "app"), await settledRepo(world, "bee")];
  await world.start(app, bee);
  await untilState(world, "acme/bee", ({ queued, running }) => !queued && !running);
  rmSync(linkOf(world, "acme/app"));
  symlinkSync(readlinkSync(linkOf(world, "acme/bee")), linkOf(world, "acme/old"));
  symlinkSync("/elsewhere", linkOf(world, "acme/mine"));
  world.sweep();
  await until(world, () => idAt(world, "acme/app") === app.id && idAt(world, "acme/old") === null);
  expect(readlinkSync(linkOf(world, "acme/mine"))).toBe("/elsewhere");
  await world.stop();
  rmSync(join(world.dataDir, "mirrors"), { recursive: true });
  await world.start();
  await until(world, () => idAt(world, "acme/app") === app.id && idAt(world, "acme/bee") === bee.id);
});

test("a paused repository that was gone and returned is still paused, and not deleted meanwhile", async () => {
  const world = await World.create({ RETIRE_AFTER: "1s" });
  const [app, other] = [await settledRepo(world, "app"), await settledRepo(world, "other")];
  await world.start(app, other);
  expect((await post(world, app, "pause")).status).toBe(200);
  const { installation } = app;
  world.standin.removeRepository(app);
  await passed(world);
  expect(await stateOf(world, "acme/app")).toMatchObject({ state: "gone", retiresAt: null });
  const before = world.tips(app);
  world.standin.addRepository(app, installation!);
  await world.pushed(await world.standin.commit(app, "main"));
  await world.line(({ code, repository }) => code === "paused" && repository === "acme/app");
  expect(world.tips(app)).toEqual(before);
  world.standin.removeRepository(app);
  await passed(world);
  // Nothing is deleted before GitHub's clock, which has whole seconds, says so, too.
  await sleep(2_100);
  await passed(world);
  await passed(world);
  expect(world.tips(app)).toEqual(before);
});

test("without the former database, names stay until GitHub confirms their repositories", async () => {
  const world = await World.create();
  const repo = await settledRepo(world, "app");
  await world.start(repo);
  await untilState(world, "acme/app", ({ queued, running }) => !queued && !running);
  await world.stop();
  for (const file of ["lockstep.db", "lockstep.db-wal", "lockstep.db-shm"])
    rmSync(join(world.dataDir, file), { force: true });
  world.standin.faults.restStatus = { status: 503, times: 1e9, path: "/app/installations" };
  const failures = () =>
    world.log.filter(({ event, code }) => event === "refresh_failed" && code === "upstream_error");
  await world.start();
  await until(world, () => failures().length > 0);
  const before = failures().length;
  world.sweep();
  await until(world, () => failures().length > before);
  expect(idAt(world, "acme/app")).toBe(repo.id);
});
