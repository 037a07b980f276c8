import { expect, test } from "vitest";
import { allowList } from "../../src/base/patterns.js";
import { createRepositoryList, type RepositoryQuery } from "../../src/registry/list.js";
import { createSeen } from "../../src/registry/seen.js";
import { countTurns, keepBusy } from "../support/event-loop.js";
import { openRegistry } from "../support/registry.js";

const ALL: RepositoryQuery = {
  ...{ state: null, installationId: null, name: null },
  ...{ limit: 100, after: null, running: [] },
};

function open() {
  const { store, registry, add } = openRegistry();
  const page = createRepositoryList(store);
  const names = (query: Partial<RepositoryQuery>) =>
    page({ ...ALL, ...query }).repositories.map(({ owner, name }) => `${owner}/${name}`);
  return { store, registry, add, page, names };
}

test("pages follow one another, whatever is added or removed between them, and the order ignores case", () => {
  const { store, registry, add, page } = open();
  for (const [id, name] of ["b", "D", "a", "C", "e"].entries()) add(id + 1, { owner: "acme", name });
  add(6, { owner: "Zoo", name: "a" });
  const first = page({ ...ALL, limit: 2 });
  expect(first.repositories.map(({ name }) => name)).toEqual(["a", "b"]);
  expect([first.next, first.total]).toEqual([["acme", "b", 1], 6]);
  registry.forget(1);
  add(7, { owner: "acme", name: "aa" });
  store.transaction(() => add(8, { owner: "acme", name: "bb" }));
  const second = page({ ...ALL, limit: 3, after: first.next });
  expect(second.repositories.map(({ name }) => name)).toEqual(["bb", "C", "D"]);
  const last = page({ ...ALL, limit: 3, after: second.next });
  expect(last.repositories.map(({ name }) => name)).toEqual(["e", "a"]);
  expect([last.next, last.total]).toEqual([null, 7]);
});

test("repositories of one name are distinguished by their id", () => {
  const { add, page } = open();
  for (const id of [3, 1, 2]) add(id, { owner: "acme", name: "app" });
  const first = page({ ...ALL, limit: 1 });
  const second = page({ ...ALL, limit: 1, after: first.next });
  const third = page({ ...ALL, limit: 1, after: second.next });
  const seen = [first, second, third].flatMap(({ repositories }) => repositories.map(({ id }) => id));
  expect([seen, third.next]).toEqual([[1, 2, 3], null]);
});

test("a name is part of owner/name, or with * and ? all of it; % and _ are themselves", () => {
  const { add, names } = open();
  const all = ["app", "app-2", "my_app", "myxapp", "web"];
  for (const [id, name] of all.entries()) add(id + 1, { owner: "acme", name });
  expect(names({ name: "APP" })).toHaveLength(4);
  expect(names({ name: "acme/app" })).toEqual(["acme/app", "acme/app-2"]);
  expect(names({ name: "acme/app-?" })).toEqual(["acme/app-2"]);
  expect(names({ name: "*app" })).toEqual(["acme/app", "acme/my_app", "acme/myxapp"]);
  expect(names({ name: "my_app" })).toEqual(["acme/my_app"]);
  expect(names({ name: "*my_app" })).toEqual(["acme/my_app"]);
  expect(names({ name: "%" })).toEqual([]);
  expect(names({ name: "\\" })).toEqual([]);
});

test("the state is the one that is shown, and filters add up", () => {
  const { registry, add, names, page } = open();
  for (const id of [1, 2, 3, 4, 5]) add(id, { owner: "acme", name: `r${id}` }, id === 5 ? 2 : 1);
  for (const id of [1, 2, 3, 5]) registry.setState(id, "fresh");
  registry.pause(2, 1);
  registry.setState(4, "suspended");
  registry.pause(4, 1);
  const running = [2, 3, 4];
  expect(names({ state: "paused", running })).toEqual(["acme/r2"]);
  expect(names({ state: "refreshing", running })).toEqual(["acme/r3"]);
  // What is being refreshed this instant is not missed under the state that it has.
  expect(names({ state: "fresh", running })).toEqual(["acme/r1", "acme/r3", "acme/r5"]);
  expect(names({ state: "suspended", running })).toEqual(["acme/r4"]);
  expect(names({ state: "fresh", installationId: 2 })).toEqual(["acme/r5"]);
  expect(page({ ...ALL, state: "fresh", limit: 1 })).toMatchObject({ total: 3, next: ["acme", "r1", 1] });
});

test("whoever sees some repositories gets their pages and their total, and hears of no other", async () => {
  const { store, registry, add, page } = open();
  for (const [id, name] of ["app", "b", "site", "z", "abc"].entries()) add(id + 1, { owner: "acme", name });
  add(9, { owner: "other", name: "app" });
  const clock = { now: 0 };
  const seenBy = createSeen(store, () => clock.now);
  const sees = allowList(["ACME/a*", "acme/s[h-j]te", "!*/ab*"]).allows;
  const first = page({ ...ALL, limit: 1, seen: await seenBy(sees) });
  expect(first).toMatchObject({ repositories: [{ name: "app" }], next: ["acme", "app", 1], total: 2 });
  const second = page({ ...ALL, limit: 1, after: first.next, seen: await seenBy(sees) });
  expect(second).toMatchObject({ repositories: [{ name: "site" }], next: null, total: 2 });
  expect(page({ ...ALL, seen: await seenBy(() => false) })).toEqual({
    repositories: [],
    next: null,
    total: 0,
  });
  expect(page({ ...ALL, name: "other", seen: await seenBy(sees) })).toMatchObject({ total: 0 });
  // What was collected a moment ago shows no repository that has got another name since.
  registry.confirm({ ...registry.get(1)!, owner: "other" }, 1, 1);
  expect(page({ ...ALL, seen: await seenBy(sees) }).repositories.map(({ name }) => name)).toEqual(["site"]);
  clock.now += 2_000;
  expect(page({ ...ALL, seen: await seenBy(sees) })).toMatchObject({ total: 1 });
});

test("ten thousand names are matched without blocking anything, and once for all who ask at the same time", async () => {
  const { store, add } = open();
  store.transaction(() => {
    for (let id = 1; id <= 10_000; id++) add(id, { owner: id % 2 ? "acme" : "other", name: `r${id}` });
  });
  let matched = 0;
  const matches = allowList(["acme/*"]).allows;
  const sees = (name: string) => {
    matched += 1;
    if (matched % 1_000 === 0) keepBusy(10);
    return matches(name);
  };
  const turns = countTurns();
  const seenBy = createSeen(store);
  const [one, two] = await Promise.all([seenBy(sees), seenBy(sees)]);
  expect(turns()).toBeGreaterThanOrEqual(8);
  expect(JSON.parse(one.ids)).toHaveLength(5_000);
  expect([one === two, matched]).toEqual([true, 10_000]);
});
