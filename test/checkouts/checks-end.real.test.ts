import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { expectTree, published } from "../support/published.js";
import { untilState } from "../support/state.js";
import { tempDir } from "../support/temp.js";
import type { World } from "../support/world.js";

/** A git whose comparison of a tree with its commit does not end, as long as there is a file `block`. */
function slowGit() {
  const dir = tempDir();
  const file = join(dir, "git");
  const slow = `[ -e ${dir}/block ] && { touch ${dir}/hangs; exec sleep 600; }`;
  writeFileSync(
    file,
    `#!/bin/sh\ncase "$*" in *"update-index -q --refresh"*) ${slow} ;; esac\nexec git "$@"\n`,
  );
  chmodSync(file, 0o755);
  const hangs = join(dir, "hangs");
  return {
    file,
    block: () => writeFileSync(join(dir, "block"), ""),
    async checking(world: World) {
      rmSync(hangs, { force: true });
      world.sweep();
      await untilState(world, "acme/app", () => existsSync(hangs));
    },
  };
}

test("a check of a tree ends for a publish, and at a stop", async () => {
  const git = slowGit();
  const { world, repo, link, push } = await published({ GIT_BINARY: git.file, SHUTDOWN_TIMEOUT: "1h" });
  git.block();
  await git.checking(world);
  const sha = await push({ a: "1" });
  expectTree(world, repo, link(), sha);
  await git.checking(world);
  await world.stop();
  expect(world.log.filter(({ event }) => event === "tree_check_failed")).toEqual([]);
});
