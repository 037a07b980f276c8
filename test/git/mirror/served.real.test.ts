import { expect, test } from "vitest";
import { createLayout } from "../../../src/git/disk/layout.js";
import { createMemory, type MirrorContext } from "../../../src/git/mirror/memory.js";
import { dropServed, keepServed } from "../../../src/git/mirror/served.js";
import { plainGit, realGit } from "../../support/git.js";
import { mirrorWith } from "../../support/mirror.js";

const HOUR = 3_600_000;

/** A mirror, and what a process knows of it that has just started. */
function started(count: number) {
  const { id, dir, dataDir } = mirrorWith(count);
  const ids = plainGit(dir, "rev-list", `--max-count=${count}`, "main").split("\n");
  const start = () => {
    const context = { git: realGit(), layout: createLayout(dataDir), memory: createMemory() };
    return context as Partial<MirrorContext> as MirrorContext;
  };
  const refs = () => plainGit(dir, "for-each-ref", "--format=%(refname)", "refs/lockstep/served");
  return { id, dir, ids, start, count: () => refs().split("\n").filter(Boolean).length };
}

test("what was fetched for readers is dropped after an hour, and reported as a change", async () => {
  const { id, ids, start, count } = started(2);
  const context = start();
  await dropServed(context, id);
  const kept = await keepServed(context, id, ids);
  expect(kept.map(({ after }) => after)).toEqual(ids);
  expect(await dropServed(context, id)).toEqual([]);
  const dropped = await dropServed(context, id, performance.now() + HOUR + 1);
  expect(dropped.map(({ before }) => before).sort()).toEqual(ids.toSorted());
  expect(count()).toBe(0);
});

test("what an earlier process has kept stays for another hour", async () => {
  const { id, ids, start, count } = started(2);
  await keepServed(start(), id, ids);
  const next = start();
  const now = performance.now();
  expect(await dropServed(next, id, now)).toEqual([]);
  expect(await dropServed(next, id, now + HOUR - 1)).toEqual([]);
  expect(await dropServed(next, id, now + HOUR + 1)).toHaveLength(2);
  expect(count()).toBe(0);
});

test("a mirror has two hundred of them, and the oldest go first", async () => {
  const { id, ids, start, count } = started(230);
  const context = start();
  await dropServed(context, id);
  for (let from = 0; from < ids.length; from += 50) await keepServed(context, id, ids.slice(from, from + 50));
  const dropped = await dropServed(context, id);
  expect([dropped.length, count()]).toEqual([30, 200]);
  expect(dropped.every(({ before }) => ids.slice(0, 50).includes(before))).toBe(true);
  // Who is wanted again is not the oldest any more.
  await keepServed(context, id, [ids[35]!, ids[0]!]);
  expect((await dropServed(context, id)).map(({ before }) => before)).not.toContain(ids[35]);
});

test("readers of the file system see none of them, in mirrors of an earlier Lockstep, too", async () => {
  const { id, dir, ids, start } = started(1);
  await keepServed(start(), id, ids);
  expect(plainGit(dir, "ls-remote", dir)).not.toContain("lockstep");
});
