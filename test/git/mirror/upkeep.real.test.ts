import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commits, isRunning, objectsOf, plainGit, stuckGit } from "../../support/git.js";
import { mirrorWith, never } from "../../support/mirror.js";
import { expectComplete } from "../../support/partial.js";

const DAY_MS = 86_400_000;
const GRACE_MS = 14 * DAY_MS;

describe.each([
  { kind: "whole", partial: false },
  { kind: "partial", partial: true },
])("$kind", ({ partial }) => {
  const mirrorOf = (count: number, options: { binary?: string } = {}) =>
    mirrorWith(count, { ...options, partial });
  const isSound = (dir: string) => (partial ? expectComplete(dir) : void plainGit(dir, "fsck", "--strict"));

  test("a tidy keeps every object and ref, and leaves few files", async () => {
    const { id, dir, upkeep } = mirrorOf(150);
    for (let n = 0; n < 20; n++) plainGit(dir, "update-ref", `refs/heads/b${n}`, `main~${n}`);
    const unreachable = commits(dir, "gone", 1);
    plainGit(dir, "update-ref", "-d", "refs/heads/gone");
    const before = { objects: objectsOf(dir), refs: plainGit(dir, "for-each-ref") };
    await upkeep.tidy(id, never);
    expect({ objects: objectsOf(dir), refs: plainGit(dir, "for-each-ref") }).toEqual(before);
    expect(before.objects).toContain(unreachable);
    expect(plainGit(dir, "count-objects")).toMatch(/^0 objects/);
    expect(packs(dir).length).toBeLessThanOrEqual(partial ? 2 : 1);
    expect(readdirSync(join(dir, "refs/heads"))).toEqual([]);
    plainGit(dir, "commit-graph", "verify");
  });

  test("many tidies leave few packs, and do not rewrite the large one", async () => {
    const { id, dir, upkeep } = mirrorOf(300);
    await upkeep.tidy(id, never);
    const [large] = packs(dir);
    for (let n = 0; n < 12; n++) {
      commits(dir, `b${n}`, 5);
      await upkeep.tidy(id, never);
    }
    expect(packs(dir)).toContain(large);
    expect(packs(dir).length).toBeLessThanOrEqual(5);
    isSound(dir);
  });

  test("a mirror without a single object is tidied, pruned and sound", async () => {
    const { id, upkeep } = mirrorOf(0);
    await upkeep.tidy(id, never);
    expect(await upkeep.prune(id, GRACE_MS, never)).toBe(false);
    expect(await upkeep.check(id, never)).toEqual({ sound: true });
  });

  test("an old tip that no ref reaches is lost; one that is kept, merged or gone is not", async () => {
    const { id, dir, upkeep } = mirrorOf(3);
    const kept = commits(dir, "kept", 2);
    plainGit(dir, "update-ref", "refs/lockstep/kept/heads/kept/1", kept);
    const lost = commits(dir, "lost", 1);
    for (const name of ["kept", "lost"]) plainGit(dir, "update-ref", "-d", `refs/heads/${name}`);
    const merged = plainGit(dir, "rev-parse", "main~1");
    expect(await upkeep.isLost(id, [], never)).toBe(false);
    expect(await upkeep.isLost(id, [merged, kept, "1".repeat(40)], never)).toBe(false);
    expect(await upkeep.isLost(id, [merged, lost], never)).toBe(true);
  });

  test("a prune drops what was unreachable for long, and keeps younger objects and kept tips", async () => {
    const { id, dir, upkeep } = mirrorOf(5);
    const old = commits(dir, "old", 2);
    const kept = commits(dir, "kept", 2);
    plainGit(dir, "update-ref", "refs/lockstep/kept/heads/kept/1", kept);
    age(dir);
    await upkeep.tidy(id, never);
    age(dir);
    const young = commits(dir, "young", 1);
    for (const name of ["old", "kept", "young"]) plainGit(dir, "update-ref", "-d", `refs/heads/${name}`);
    expect(await upkeep.prune(id, GRACE_MS, never)).toBe(true);
    expect(objectsOf(dir)).toEqual(expect.arrayContaining([kept, young]));
    expect(objectsOf(dir)).not.toContain(old);
    plainGit(dir, "commit-graph", "verify");
    isSound(dir);
  });

  test("the younger objects go when their time has come, and nothing is left then", async () => {
    const { id, dir, upkeep } = mirrorOf(3);
    const young = commits(dir, "young", 1);
    plainGit(dir, "update-ref", "-d", "refs/heads/young");
    expect(await upkeep.prune(id, GRACE_MS, never)).toBe(true);
    expect(await upkeep.prune(id, 0, never)).toBe(false);
    expect(objectsOf(dir)).not.toContain(young);
    isSound(dir);
  });

  test.each([partial ? "pack-objects" : "repack", "prune"])(
    "a prune is ended at once while git %s runs, with what git has started",
    async (command) => {
      const stuck = stuckGit(command);
      const { id, dir, upkeep } = mirrorOf(5, { binary: stuck.binary });
      commits(dir, "old", 1);
      age(dir);
      const before = objectsOf(dir);
      plainGit(dir, "update-ref", "-d", "refs/heads/old");
      const abort = new AbortController();
      const running = upkeep.prune(id, GRACE_MS, abort.signal);
      running.catch(() => {});
      const child = await stuck.begun();
      abort.abort();
      await expect(running).rejects.toMatchObject({ code: "cancelled" });
      expect(isRunning(child)).toBe(false);
      if (command !== "prune") expect(objectsOf(dir)).toEqual(before);
    },
  );

  test("an abort before git has even started leaves no git behind", async () => {
    const stuck = stuckGit("commit-graph");
    const { id, dataDir, upkeep } = mirrorOf(2, { binary: stuck.binary });
    const abort = new AbortController();
    const running = upkeep.prune(id, GRACE_MS, abort.signal);
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: "cancelled" });
    expect(readdirSync(join(dataDir, "run"))).toEqual([]);
  });

  test("tidies beside a writer lose nothing and are never in its way", async () => {
    const { id, dir, upkeep } = mirrorOf(50);
    let writing = true;
    const tidying = (async () => {
      for (let n = 0; writing || n < 3; n++) await upkeep.tidy(id, never);
    })();
    for (let n = 0; n < 40; n++) {
      const tip = commits(dir, `b${n}`, 3);
      plainGit(dir, "cat-file", "-e", `${tip}~2^{tree}`);
      if (n % 4 === 3) plainGit(dir, "update-ref", "-d", `refs/heads/b${n - 1}`);
      await new Promise(setImmediate);
    }
    writing = false;
    await tidying;
    isSound(dir);
  });
});

test("a bitmap drops nothing, and a tidy and a prune keep it", async () => {
  const { id, dir, upkeep } = mirrorWith(50);
  const lost = commits(dir, "lost", 1);
  plainGit(dir, "update-ref", "-d", "refs/heads/lost");
  const before = objectsOf(dir);
  age(dir);
  await upkeep.writeBitmap(id, never);
  expect(objectsOf(dir)).toEqual(before);
  expect(before).toContain(lost);
  expect(bitmaps(dir)).toHaveLength(1);
  commits(dir, "later", 3);
  await upkeep.tidy(id, never);
  expect(bitmaps(dir)).toHaveLength(1);
  await upkeep.prune(id, GRACE_MS, never);
  expect(bitmaps(dir)).toHaveLength(1);
  expect(objectsOf(dir)).not.toContain(lost);
  plainGit(dir, "rev-list", "--test-bitmap", "refs/heads/later");
  plainGit(dir, "fsck", "--strict");
});

test("a partial mirror, which serves nobody, gets no bitmap", async () => {
  const { id, dir, upkeep } = mirrorWith(5, { partial: true });
  await upkeep.writeBitmap(id, never);
  expect(bitmaps(dir)).toEqual([]);
});

const bitmaps = (dir: string) =>
  readdirSync(join(dir, "objects/pack")).filter((name) => name.endsWith(".bitmap"));

const packs = (dir: string) =>
  readdirSync(join(dir, "objects/pack")).filter((name) => name.endsWith(".pack"));

/** Makes every object a month old. */
function age(dir: string): void {
  const then = (Date.now() - 30 * DAY_MS) / 1000;
  for (const entry of readdirSync(join(dir, "objects"), { withFileTypes: true, recursive: true }))
    if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), then, then);
}
