import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ZERO } from "../../../src/base/model.js";
import { moveDirectly } from "../../../src/git/mirror/direct-refs.js";
import { bareRepository, commits, PATH, plainGit } from "../../support/git.js";

const REF = "refs/heads/main";

function twoTips() {
  const { dir, commit: before } = bareRepository();
  plainGit(dir, "update-ref", REF, before);
  const after = commits(dir, "side", 1);
  return { dir, before, after, tip: () => plainGit(dir, "rev-parse", REF) };
}

test("a branch that has a file of its own is moved, and git reads it", async () => {
  const { dir, before, after, tip } = twoTips();
  expect(await moveDirectly(dir, { ref: REF, before, after })).toBe(true);
  expect(tip()).toBe(after);
  expect(existsSync(join(dir, `${REF}.lock`))).toBe(false);
  plainGit(dir, "update-ref", REF, before, after);
  expect(plainGit(dir, "fsck", "--strict", "--no-dangling")).toBe("");
});

test("what git would refuse or do otherwise is left to git, and nothing changes", async () => {
  const { dir, before, after, tip } = twoTips();
  const tree = plainGit(dir, "rev-parse", `${after}^{tree}`);
  plainGit(dir, "symbolic-ref", "refs/heads/symbolic", REF);
  for (const change of [
    { ref: REF, before: after, after },
    { ref: REF, before, after: "1".repeat(40) },
    { ref: REF, before, after: tree },
    { ref: REF, before, after: ZERO },
    { ref: "refs/heads/new", before: ZERO, after },
    { ref: "refs/heads/missing", before, after },
    { ref: "refs/heads/missing/below", before, after },
    { ref: `${REF}/below`, before, after },
    { ref: "refs/heads/symbolic", before, after },
    { ref: "refs/tags/v1", before, after },
  ]) {
    const refs = plainGit(dir, "for-each-ref");
    expect(await moveDirectly(dir, change), JSON.stringify(change)).toBe(false);
    expect(plainGit(dir, "for-each-ref")).toBe(refs);
    expect(existsSync(join(dir, `${change.ref}.lock`))).toBe(false);
  }
  plainGit(dir, "pack-refs", "--all");
  expect(await moveDirectly(dir, { ref: REF, before, after })).toBe(false);
  expect(tip()).toBe(before);
});

test("a mirror that git takes for no repository is left to git", async () => {
  const { dir, before, after } = twoTips();
  for (const head of ["", "garbage"]) {
    writeFileSync(join(dir, "HEAD"), head);
    expect(await moveDirectly(dir, { ref: REF, before, after })).toBe(false);
  }
  rmSync(join(dir, "HEAD"));
  expect(await moveDirectly(dir, { ref: REF, before, after })).toBe(false);
  expect(readFileSync(join(dir, REF), "utf8")).toBe(`${before}\n`);
});

test("a lock of another program stays", async () => {
  const { dir, before, after, tip } = twoTips();
  writeFileSync(join(dir, `${REF}.lock`), "another's");
  expect(await moveDirectly(dir, { ref: REF, before, after })).toBe(false);
  expect(readFileSync(join(dir, `${REF}.lock`), "utf8")).toBe("another's");
  expect(tip()).toBe(before);
});

test("moves and git pack-refs beside each other lose none", async () => {
  const { dir, before, after, tip } = twoTips();
  const pack = () =>
    promisify(execFile)("git", ["pack-refs", "--all", "--prune"], { env: { PATH, GIT_DIR: dir } });
  const between = { [before]: after, [after]: before };
  let at = before;
  for (let round = 0; round < 10; round++) {
    const packed = pack().catch(() => {}); // It may meet our lock, as it may meet git's.
    for (let n = 0; n < 20; n++) {
      const next = between[at]!;
      if (await moveDirectly(dir, { ref: REF, before: at, after: next })) at = next;
      expect(tip()).toBe(at);
    }
    await packed;
    expect(tip()).toBe(at);
    plainGit(dir, "update-ref", REF, between[at]!, at);
    at = between[at]!;
  }
});
