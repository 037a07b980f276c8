import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commits, plainGit } from "../support/git.js";
import { compare } from "../support/history.js";
import { tempDir } from "../support/temp.js";
import { World } from "../support/world.js";

/** A git that notes each command; `count` reads how often one was run since the last call. */
function notingGit() {
  const dir = tempDir();
  const [binary, notes] = [join(dir, "git"), join(dir, "notes")];
  writeFileSync(binary, `#!/bin/sh\necho "$*" >> ${notes}\nexec git "$@"\n`);
  chmodSync(binary, 0o755);
  appendFileSync(notes, "");
  const clear = () => writeFileSync(notes, "");
  const count = (command: string) =>
    readFileSync(notes, "utf8")
      .split("\n")
      .filter((line) => line.split(" ").includes(command)).length;
  return { binary, clear, count };
}

const BRANCHES = 290;

test("the number of refs is no number of processes", async () => {
  const { binary, clear, count } = notingGit();
  const world = await World.create({ GIT_BINARY: binary, QUIET_PERIOD: "3s" });
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  const names = Array.from({ length: BRANCHES }, (_, n) => `b/${n}`);
  const line = commits(repo.dir, "line", 3);
  const second = plainGit(repo.dir, "rev-parse", `${line}~1`);
  const side = commits(repo.dir, "side", 2);
  const moves = (before: string, after: string) =>
    names.map((name) => ({ ref: `refs/heads/${name}`, before, after }));
  // The commits stay without a ref, as after a push of which the branches are a part.
  for (const name of ["line", "side"]) plainGit(repo.dir, "update-ref", "-d", `refs/heads/${name}`);
  const zero = "0".repeat(40);

  clear();
  const pushes = await world.standin.updateRefs(repo, moves(zero, second));
  await world.pushed(...pushes);
  await world.inStep(repo);
  expect(count("for-each-ref")).toBeLessThan(10);

  // Half of them move on, and half are forced aside: nobody reports that, and the history guard asks for each.
  const ahead = moves(second, line).slice(0, BRANCHES / 2);
  const aside = moves(second, side).slice(BRANCHES / 2);
  clear();
  const input = [...ahead, ...aside].map(({ ref, after }) => `update ${ref} ${after}\n`).join("");
  execFileSync("git", ["-C", repo.dir, "update-ref", "--stdin"], { input });
  await compare(world, repo);
  await world.inStep(repo);
  expect(count("merge-base")).toBeLessThan(3);
  expect(count("for-each-ref")).toBeLessThan(15);
  expect(Object.keys(world.kept(repo))).toHaveLength(BRANCHES / 2);
});
