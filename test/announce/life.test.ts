import { expect, test } from "vitest";
import { announceLives, eventsOf, type LifeEvent, type LivingRepository } from "../../src/announce/life.js";
import { createOutbox } from "../../src/announce/outbox.js";
import { OUTBOX_TABLES } from "../../src/announce/outbox-sql.js";
import { openRegistry } from "../support/registry.js";

const APP: LivingRepository = {
  ...{ id: 7, owner: "acme", name: "app", defaultBranch: "main" },
  ...{ visibility: "private", archived: false, state: "fresh", answeredAt: 1 },
};
const typesOf = (after: Partial<LivingRepository>, before: Partial<LivingRepository> = {}) =>
  eventsOf({ before: { ...APP, ...before }, after: { ...APP, ...before, ...after }, excluded: false }).map(
    ({ type }) => type,
  );

test.each<[string, Partial<LivingRepository>, Partial<LivingRepository>, string[]]>([
  ["nothing", {}, {}, []],
  ["another name", { name: "x" }, {}, ["renamed"]],
  ["another owner and name", { owner: "x", name: "x" }, {}, ["transferred"]],
  ["more than one fact", { name: "x", archived: true }, {}, ["renamed", "archived"]],
  [
    "a fact that was not known",
    { visibility: "public", archived: true },
    { visibility: null, archived: null },
    [],
  ],
  ["a refresh", { state: "failing" }, {}, []],
  ["gone", { state: "gone" }, {}, ["gone"]],
  ["retired", { state: "retired" }, { state: "gone" }, ["retired"]],
  ["returned after it was retired", { state: "onboarding" }, { state: "retired" }, ["returned"]],
  ["returned under another name", { state: "behind", name: "x" }, { state: "gone" }, ["renamed", "returned"]],
  ["a held removal of a suspended one", { state: "failing" }, { state: "suspended" }, []],
  ["the first answer about one that a delivery named", { name: "x" }, { answeredAt: 0 }, []],
])("%s", (_, after, before, types) => {
  expect(typesOf(after, before)).toEqual(types);
});

test("an event that cannot be stored takes the change back, and a stored change has its event", () => {
  const { store, registry, add } = openRegistry(OUTBOX_TABLES);
  const outbox = createOutbox({ store, mirrorOf: String, now: Date.now });
  let isFull = true;
  announceLives({
    onRepository: registry.onChanged,
    onHold: () => () => {},
    find: registry.get,
    isSetAside: () => false,
    announce(repository, events: LifeEvent[]) {
      if (isFull) throw new Error("disk full");
      outbox.addLife(repository, events);
    },
  });
  add(7, { owner: "acme", name: "app" });
  const rename = () => registry.confirm({ ...registry.get(7)!, name: "new" }, 2, 2);
  expect(rename).toThrow("disk full");
  expect(registry.get(7)?.name).toBe("app");
  isFull = false;
  rename();
  expect(registry.get(7)?.name).toBe("new");
  expect(outbox.after(0, 9, null)).toMatchObject([
    { type: "renamed", repository: { name: "new" }, attributes: { before: { name: "app" } } },
  ]);
});
