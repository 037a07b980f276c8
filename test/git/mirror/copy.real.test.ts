import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyObjects } from "../../../src/git/mirror/copy.js";
import type { GitCall } from "../../../src/git/run/exec.js";
import { bareRepository, looseFile, plainGit, realGit } from "../../support/git.js";
import { never } from "../../support/mirror.js";
import { commitFiles } from "../../support/trees.js";

/** Makes an old mirror with as many tips, and an empty new one. */
function setUp(count: number) {
  const old = bareRepository().dir;
  const beside = bareRepository().dir;
  const names = Array.from({ length: count }, (_, n) => `tip-${n}`);
  for (const name of names) plainGit(old, "update-ref", `refs/heads/${name}`, "main");
  const tips = names.map((name) => commitFiles(old, { file: `${name} ${"x".repeat(5_000)}` }, name));
  const calls: string[][] = [];
  const git = (call: GitCall) => {
    calls.push(call.args);
    return realGit()(call);
  };
  const supply = async () => {};
  const call = { timeoutMs: 60_000, signal: never };
  const copy = { git, beside, old, extent: { depth: null, filter: null }, supply, call };
  return { old, beside, tips, calls, copy };
}

/** Changes one bit in the middle of the content that a commit has. */
function flip(dir: string, commit: string): void {
  const path = looseFile(dir, plainGit(dir, "rev-parse", `${commit}:file`));
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = bytes[middle]! ^ 1;
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
}

test("what a broken object keeps from being copied is found by halves, and leaves no temporary pack", async () => {
  const { old, beside, tips, calls, copy } = setUp(32);
  const broken = tips[20]!;
  flip(old, broken);
  const saved = await copyObjects(copy, tips, []);
  expect(saved).toEqual(new Set(tips.filter((tip) => tip !== broken)));
  // 32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1 tips
  expect(calls.length).toBe(11);
  expect(readdirSync(join(beside, "objects/pack")).filter((name) => name.startsWith("tmp_"))).toEqual([]);
  for (const tip of saved) plainGit(beside, "rev-list", "--objects", tip);
});
