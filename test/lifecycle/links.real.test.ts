import { existsSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { passed, stateOf, untilState } from "../support/state.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

/** A git whose clone has all refs but does not finish until `release`: packing refs is its last step. */
function slowClone() {
  const dir = tempDir();
  const [binary, cloned, hold] = ["git", "cloned", "hold"].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  const wait = `touch '${cloned}'; while [ -e '${hold}' ]; do sleep 0.02; done`;
  const lines = [
    "#!/bin/sh",
    'git "$@"',
    "code=$?",
    `case "$*" in *pack-refs*) ${wait};; esac`,
    "exit $code",
  ];
  writeFileSync(binary, `${lines.join("\n")}\n`, { mode: 0o755 });
  writeFileSync(hold, "");
  return { binary, release: () => rmSync(hold), isCloned: () => existsSync(cloned) };
}

test("a rename reported during the clone leaves no link under the old name", async () => {
  const git = slowClone();
  const world = await World.create({ GIT_BINARY: git.binary });
  const repo = await world.standin.createRepository("acme", "before");
  await world.start();
  await expect.poll(git.isCloned).toBe(true);
  world.standin.renameRepository(repo, "after");
  world.sweep();
  await untilState(world, "acme/after", ({ id }) => id === repo.id);
  git.release();
  await world.inStep(repo);
  expect(existsSync(join(world.dataDir, "mirrors/acme/before.git"))).toBe(false);
});

/** Returns the repository whose mirror a name leads to. */
function idAt(world: World, fullName: string): number | null {
  const link = join(world.dataDir, "mirrors", `${fullName}.git`);
  return existsSync(link) ? Number(readlinkSync(link).split("/").at(-2)) : null;
}

test("an event about a repository does not give its name to a former owner", async () => {
  const world = await World.create();
  const { standin } = world;
  const before = standin.createInstallation("acme");
  const former = await standin.createRepository("acme", "app", { installation: before });
  await world.start(former);
  standin.suspendInstallation(before);
  await passed(world);
  standin.renameOwner(before, "acme-old");
  const installation = standin.createInstallation("acme");
  const owner = await standin.createRepository("acme", "app", { installation });
  world.sweep();
  await untilState(world, "acme/app", ({ id, state }) => id === owner.id && state === "fresh");
  standin.faults.restStatus = { status: 503, times: 1_000, path: "/repositories" };
  const from = world.log.length;
  const event = standin.eventFor("repository", "publicized", { repo: owner });
  await standin.deliverEvent("repository", event, { to: `${world.url}/api/github/webhooks` });
  await world.line(({ event }) => event === "refresh_failed", from);
  expect((await stateOf(world, "acme/app")).id).toBe(owner.id);
  world.sweep();
  await world.line(({ event, subject }) => event === "refresh_failed" && subject !== undefined, from);
  expect(idAt(world, "acme/app")).toBe(owner.id);
});
