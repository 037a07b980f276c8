import { readFileSync, writeFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NICENESS } from "../../src/git/run/child.js";
import { refreshed } from "../support/history.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

/** A git that waits until its priority is below this process's, and then notes it. @returns its path, and the fetches so far */
function notingGit() {
  const dir = tempDir();
  const [binary, notes] = [join(dir, "git"), join(dir, "notes")];
  const own = getPriority();
  const script = [
    "#!/bin/sh",
    'case " $* " in *" fetch "*)',
    `  until [ "$(nice)" -gt ${own} ]; do :; done`,
    `  echo "$(nice)" >> ${notes};;`,
    "esac",
    'exec git "$@"',
  ];
  writeFileSync(notes, "");
  writeFileSync(binary, `${script.join("\n")}\n`, { mode: 0o755 });
  const below = () => readFileSync(notes, "utf8").split("\n").filter(Boolean);
  return { binary, fetches: () => below().map((niceness) => Number(niceness) - own) };
}

test("a first clone gives way to a refresh, and both give way to the answers to GitHub", async () => {
  const git = notingGit();
  const world = await World.create({ GIT_BINARY: git.binary, DIRECT_FETCH: "no" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const cloned = git.fetches();
  expect(new Set(cloned)).toEqual(new Set([NICENESS.clone]));
  const push = await world.standin.commit(repo, "main", { files: { a: "1" } });
  await refreshed(world, () => world.pushed(push));
  expect(new Set(git.fetches().slice(cloned.length))).toEqual(new Set([NICENESS.refresh]));
  expect(NICENESS.clone).toBeGreaterThan(NICENESS.refresh);
});
