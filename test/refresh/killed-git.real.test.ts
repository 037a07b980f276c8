import { chmodSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plainGit } from "../support/git.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

/** A git of which one fetch, once it is armed, is killed when it has brought its objects; it leaves a temporary file. */
function mortalGit() {
  const dir = tempDir();
  const [binary, armed] = [join(dir, "git"), join(dir, "armed")];
  const lines = [
    "#!/bin/sh",
    `case "$1" in fetch) if [ -e ${armed} ]; then`,
    `  git "$@"; rm ${armed}`,
    '  mkdir -p "$GIT_OBJECT_DIRECTORY/00"; : > "$GIT_OBJECT_DIRECTORY/00/tmp_obj_left"; kill -9 $$',
    "fi;; esac",
    'exec git "$@"',
  ];
  writeFileSync(binary, `${lines.join("\n")}\n`);
  chmodSync(binary, 0o755);
  return { binary, arm: () => writeFileSync(armed, ""), isArmed: () => existsSync(armed) };
}

test("a fetch that is killed and tried again leaves nothing of the first try", async () => {
  const { binary, arm, isArmed } = mortalGit();
  const world = await World.create({ GIT_BINARY: binary, DIRECT_FETCH: "no" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  arm();
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
  expect(isArmed()).toBe(false);
  const names = readdirSync(join(world.mirror(repo), "objects"), { recursive: true }).map(String);
  expect(names.filter((name) => name.includes("tmp_"))).toEqual([]);
  plainGit(world.mirror(repo), "fsck", "--strict");
});
