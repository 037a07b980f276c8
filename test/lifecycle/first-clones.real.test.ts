import { readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Repo } from "../../tools/standin/index.js";
import { plainGit } from "../support/git.js";
import { untilState } from "../support/state.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

/** A git whose clones do not begin while a file exists. */
function heldGit() {
  const [binary, hold] = ["git", "hold"].map((name) => join(tempDir(), name)) as [string, string];
  const wait = `case "$*" in *"init --bare"*) while [ -e '${hold}' ]; do sleep 0.02; done;; esac`;
  writeFileSync(binary, ["#!/bin/sh", wait, 'exec git "$@"'].join("\n"), { mode: 0o755 });
  writeFileSync(hold, "");
  return { binary, release: () => rmSync(hold) };
}

/** Three repositories, all of whose clones wait before they fetch. */
async function heldClones() {
  const git = heldGit();
  const world = await World.create({ GIT_BINARY: git.binary, CONCURRENCY: "8" });
  const repos: Repo[] = [];
  for (const name of ["app", "bee", "cee"]) {
    const repo = await world.standin.createRepository("acme", name);
    repo.pushedAt -= 60;
    repos.push(repo);
  }
  await world.start();
  world.sweep();
  for (const { name } of repos) await untilState(world, `acme/${name}`, ({ running }) => running);
  world.standin.clearCounters();
  return { world, repos, release: git.release };
}

const callsOf = ({ standin }: World, path: RegExp) => standin.calls.filter((call) => path.test(call.path));
const LIST = /\/installation\/repositories/;
const BY_ID = /\/repositories\/\d+$/;

test("many first clones are confirmed by few pages of the list, and none by its id", async () => {
  const world = await World.create();
  const installation = world.standin.createInstallation("acme");
  const names = Array.from({ length: 24 }, (_, n) => `service-${n}`);
  const repos = await world.standin.createRepositories(installation, names);
  await world.start(...repos);
  expect(callsOf(world, LIST).length).toBeLessThan(repos.length / 2);
  // The last one of a page is asked for alone.
  expect(callsOf(world, BY_ID).length).toBeLessThanOrEqual(1);
});

test("a clone of a name that has passed to another repository is thrown away", async () => {
  const { world, repos, release } = await heldClones();
  const [first] = repos as [Repo, Repo, Repo];
  const commit = plainGit(first.dir, "rev-parse", "main");
  world.standin.renameRepository(first, "other");
  const second = await world.standin.createRepository("acme", "app");
  await world.standin.commit(second, "main");
  release();
  for (const repo of repos) await world.inStep(repo);
  const mirror = join(world.dataDir, "repos", String(first.id), "mirror.git");
  expect(plainGit(mirror, "rev-parse", "main")).toBe(commit);
  expect(readlinkSync(join(world.dataDir, "mirrors", "acme/other.git"))).toContain(`/${first.id}/`);
});

test("where GitHub gives no page, each first clone is confirmed by its id", async () => {
  const { world, repos, release } = await heldClones();
  world.standin.faults.restStatus = { status: 502, times: 100, path: "/installation/repositories" };
  release();
  for (const repo of repos) await world.inStep(repo);
  expect(callsOf(world, LIST).length).toBeGreaterThan(0);
  expect(callsOf(world, BY_ID)).toHaveLength(repos.length);
  const cloned = world.log.filter(({ event, result }) => event === "refreshed" && result === "cloned");
  expect(cloned).toHaveLength(repos.length);
});
