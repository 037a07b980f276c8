import { expect, test } from "vitest";
import { createRefreshLog, REFRESH_TABLES, type RefreshRecord } from "../../src/refresh/log.js";
import { openRegistry } from "../support/registry.js";

const refresh = (endedAt: number): RefreshRecord => ({
  ...{ endedAt, durationMs: 5, lagMs: 40, trigger: "push", attempt: 1 },
  ...{ result: "changed", reason: null, way: "word", changed: 2 },
});

test("the last fifty refreshes of each repository are kept, newest first, until it is forgotten", () => {
  const { store, registry, add } = openRegistry(REFRESH_TABLES);
  const log = createRefreshLog(store);
  add(1, { owner: "acme", name: "app" });
  add(2, { owner: "acme", name: "web" });
  const failed: RefreshRecord = { ...refresh(7), result: "timeout", reason: "too slow", way: "none" };
  log.add(2, failed);
  for (let at = 1; at <= 53; at++) log.add(1, refresh(at));
  expect(log.of(1).map(({ endedAt }) => endedAt)).toEqual(Array.from({ length: 50 }, (_, i) => 53 - i));
  expect(log.of(1)[0]).toEqual(refresh(53));
  registry.forget(1);
  add(1, { owner: "acme", name: "app" });
  expect(log.of(1)).toEqual([]);
  expect(log.of(2)).toEqual([failed]);
  log.add(3, refresh(1));
  expect(log.of(3)).toEqual([]);
});

test("refreshes in short are read again only after another one has ended, by whichever log", () => {
  const { store, registry, add } = openRegistry(REFRESH_TABLES);
  const [log, reader] = [createRefreshLog(store), createRefreshLog(store)];
  add(1, { owner: "acme", name: "app" });
  add(2, { owner: "acme", name: "web" });
  for (const at of [1, 2, 3]) log.add(1, refresh(at));
  const read = (id: number) => reader.brief([1, 2], 2).get(id)!;
  expect(read(1).map(({ endedAt }) => endedAt)).toEqual([3, 2]);
  expect(read(2)).toEqual([]);
  expect(read(1)).toBe(read(1));
  log.add(1, { ...refresh(4), result: "timeout", reason: "too slow" });
  expect(read(1).map(({ hasFailed }) => hasFailed)).toEqual([true, false]);
  registry.forget(1);
  expect(read(1)).toEqual([]);
  add(1, { owner: "acme", name: "app" });
  log.add(1, refresh(9));
  expect(read(1).map(({ endedAt }) => endedAt)).toEqual([9]);
});

test("all refreshes of a repository are the same list until another one has ended", () => {
  const { store, add } = openRegistry(REFRESH_TABLES);
  const [log, reader] = [createRefreshLog(store), createRefreshLog(store)];
  add(1, { owner: "acme", name: "app" });
  log.add(1, refresh(1));
  const before = reader.of(1);
  expect(reader.of(1)).toBe(before);
  log.add(1, refresh(2));
  expect(reader.of(1)).toEqual([refresh(2), refresh(1)]);
});
