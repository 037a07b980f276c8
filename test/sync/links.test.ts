import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { untilState } from "../support/state.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

/** A git whose clone has all that GitHub gives, and is not done until `release`: packing its refs comes last. */
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

test("a rename that is told while the repository is cloned leaves no link under its old name", async () => {
  const git = slowClone();
  const world = await World.create({ GIT_BINARY: git.binary });
  const repo = await world.standin.createRepository("acme", "before");
  await world.start();
  while (!git.isCloned()) await sleep(20);
  world.standin.renameRepository(repo, "after");
  world.sweep();
  await untilState(world, "acme/after", ({ id }) => id === repo.id);
  git.release();
  await world.inStep(repo);
  expect(existsSync(join(world.dataDir, "mirrors/acme/before.git"))).toBe(false);
});
