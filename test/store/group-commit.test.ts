import { closeSync, fstatSync, openSync } from "node:fs";
import { expect, test } from "vitest";
import { openStore, type Tables } from "../../src/store/database.js";
import { createGroupCommit } from "../../src/store/group-commit.js";
import { afterThis } from "../support/listen.js";
import { tempDir } from "../support/temp.js";

const NOTES: Tables = {
  module: "notes",
  steps: ["CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"],
};

/** A store whose commits and syncs are counted; each sync ends when the test lets it. */
function openCounted() {
  const store = openStore(tempDir(), [NOTES]);
  afterThis(async () => store.close());
  const put = store.prepare("INSERT INTO notes VALUES (?, ?)");
  const all = () =>
    store
      .prepare("SELECT id FROM notes ORDER BY id")
      .all()
      .map(({ id }) => id);
  const groups: number[][] = [];
  const syncs: { end(): void; fail(error: Error): void }[] = [];
  const inGroup = createGroupCommit({
    commit(writes) {
      const before = all().length;
      store.unsynced(writes);
      groups.push(all().slice(before) as number[]);
    },
    sync: () => new Promise((end, fail) => void syncs.push({ end, fail })),
  });
  const add = (id: number) => inGroup(() => void put.run(id, "x"));
  return { store, add, all, groups, syncs };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const outcomes = async (all: Promise<unknown>[]) =>
  (await Promise.allSettled(all)).map((one) => (one.status === "rejected" ? String(one.reason) : "stored"));

test("writes that come together share one commit and one sync, and wait for it", async () => {
  const { add, groups, syncs } = openCounted();
  let stored = 0;
  const all = numbers(1, 16).map((id) => add(id).then(() => (stored += 1)));
  await nextTurn();
  expect([groups, syncs.length, stored]).toEqual([[numbers(1, 16)], 1, 0]);
  syncs[0]!.end();
  await Promise.all(all);
  expect(stored).toBe(16);
});

test("what comes during a sync is the next group", async () => {
  const { add, groups, syncs } = openCounted();
  const first = add(1);
  await nextTurn();
  const rest = numbers(2, 5).map(add);
  await nextTurn();
  expect(groups).toEqual([[1]]);
  syncs[0]!.end();
  await first;
  await expect.poll(() => syncs.length).toBe(2);
  syncs[1]!.end();
  await Promise.all(rest);
  expect(groups).toEqual([[1], [2, 3, 4, 5]]);
});

test("a group has a length, and whatever is beyond it is not forgotten", async () => {
  const { add, all, groups, syncs } = openCounted();
  const writes = Promise.all(numbers(1, 150).map(add));
  for (let n = 0; n < 3; n++) {
    await expect.poll(() => syncs.length).toBe(n + 1);
    syncs[n]!.end();
  }
  await writes;
  expect(groups.map(({ length }) => length)).toEqual([64, 64, 22]);
  expect(all()).toEqual(numbers(1, 150));
});

test("a write that fails fails alone", async () => {
  const { add, all, syncs } = openCounted();
  const writes = outcomes([1, 2, 2, 3].map(add));
  await nextTurn();
  syncs[0]!.end();
  expect(await writes).toEqual(["stored", "stored", expect.stringMatching(/UNIQUE/), "stored"]);
  expect(all()).toEqual([1, 2, 3]);
});

test("nothing is reported as stored whose sync failed, and the next group is", async () => {
  const { add, syncs } = openCounted();
  const lost = outcomes([add(1), add(2)]);
  await nextTurn();
  syncs[0]!.fail(new Error("EIO"));
  expect(await lost).toEqual(["Error: EIO", "Error: EIO"]);
  const next = add(3);
  await expect.poll(() => syncs.length).toBe(2);
  syncs[1]!.end();
  await next;
});

test("on a full disk each write of a group fails, and none of them is left behind", async () => {
  const dir = tempDir();
  const store = openStore(dir, [NOTES]);
  afterThis(async () => store.close());
  const put = store.prepare("INSERT INTO notes VALUES (?, ?)");
  const { page_count: pages } = store.prepare("PRAGMA page_count").get()!;
  store.prepare(`PRAGMA max_page_count = ${pages}`).get();
  const writes = numbers(1, 3).map((id) => store.inGroup(() => put.run(id, "x".repeat(100_000))));
  expect(await outcomes(writes)).toEqual(Array(3).fill(expect.stringMatching(/full/)));
  expect(store.prepare("SELECT count(*) AS n FROM notes").get()?.n).toBe(0);
});

test("other transactions are synced as before, also after a group that failed", async () => {
  const store = openStore(tempDir(), [NOTES]);
  afterThis(async () => store.close());
  const level = () => store.prepare("PRAGMA synchronous").get()?.synchronous;
  const FULL = 2;
  expect(level()).toBe(FULL);
  await store.inGroup(() => expect(level()).toBe(1));
  await expect(
    store.inGroup(() => {
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  expect(level()).toBe(FULL);
});

test("a store that is closed again closes no file of others", async () => {
  const dir = tempDir();
  const store = openStore(dir, [NOTES]);
  store.close();
  await nextTurn();
  const others = openSync(dir, "r");
  store.close();
  await nextTurn();
  expect(fstatSync(others).isDirectory()).toBe(true);
  closeSync(others);
});
