import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type RefChange, ZERO } from "../../../src/base/model.js";
import { readRefs, swapRefs } from "../../../src/git/mirror/refs.js";
import { bareRepository, plainGit, realGit } from "../../support/git.js";
import { traced, whyNoTrace } from "../../support/strace.js";

const made = (count: number, commit: string): RefChange[] =>
  Array.from({ length: count }, (_, n) => ({
    ref: `refs/heads/d${n % 7}/b${n}`,
    before: ZERO,
    after: commit,
  }));

const undo = (changes: RefChange[]): RefChange[] =>
  changes.map(({ ref, after }) => ({ ref, before: after, after: ZERO }));

test.each([3, 300])("%i refs are made and deleted in one transaction each", async (count) => {
  const { dir, commit } = bareRepository();
  const changes = made(count, commit);
  await swapRefs(realGit(), dir, changes);
  expect((await readRefs(realGit(), dir, [])).size).toBe(count + 1);
  plainGit(dir, "pack-refs", "--all");
  await swapRefs(realGit(), dir, undo(changes));
  expect([...(await readRefs(realGit(), dir, [])).keys()]).toEqual(["refs/heads/main"]);
});

test("of many changes none is made when one of them is wrong", async () => {
  const { dir, commit } = bareRepository();
  const wrong = { ref: "refs/heads/main", before: "1".repeat(40), after: commit };
  await expect(swapRefs(realGit(), dir, [...made(60, commit), wrong])).rejects.toMatchObject({
    code: "tip_moved",
  });
  expect([...(await readRefs(realGit(), dir, [])).keys()]).toEqual(["refs/heads/main"]);
  expect(existsSync(join(dir, "refs/heads/main.lock"))).toBe(false);
});

test("of many changes none is made when the conversation with git fails", async () => {
  const { dir, commit } = bareRepository();
  const call = {
    args: ["update-ref", "--stdin"],
    gitDir: dir,
    timeoutMs: 600_000,
    async converse({ write, printed }: { write(text: string): void; printed(text: string): Promise<void> }) {
      write(`start\ncreate refs/heads/a ${commit}\nprepare\n`);
      await printed("prepare: ok\n");
      throw new Error("the disk failed");
    },
  };
  await expect(realGit()(call)).rejects.toThrow("the disk failed");
  expect([...(await readRefs(realGit(), dir, [])).keys()]).toEqual(["refs/heads/main"]);
});

test.skipIf(whyNoTrace() !== null)(
  "many refs are synced together: before git renames their files, and after",
  async () => {
    const { dir, commit } = bareRepository();
    const calls = await traced(() => swapRefs(realGit(), dir, made(60, commit)));
    const isRef = ({ path }: { path: string }) => /refs\/heads\/d\d\/b\d+$/.test(path);
    const renames = calls.flatMap((call, at) => (call.name.startsWith("rename") && isRef(call) ? [at] : []));
    const syncs = calls.flatMap(({ name, path }, at) =>
      name === "syncfs" && path.includes(dir) ? [at] : [],
    );
    expect(renames).toHaveLength(60);
    expect(syncs).toHaveLength(2);
    expect(syncs[0]).toBeLessThan(renames[0]!);
    expect(syncs[1]).toBeGreaterThan(renames.at(-1)!);
    expect(calls.filter(({ name, path }) => name === "fsync" && path.endsWith(".lock"))).toEqual([]);
  },
);
