import { expect, test } from "vitest";
import { createPlacement } from "../../src/cluster/placement.js";
import { type ClusterSettings, createClusterSettings } from "../../src/cluster/settings.js";
import { openStore } from "../../src/store/database.js";
import { createFacts, FACT_TABLES } from "../../src/store/facts.js";
import { afterThis } from "../support/listen.js";
import { tempDir } from "../support/temp.js";

function node(replicas: 1 | 2 | "all" = 1) {
  const store = openStore(tempDir(), [FACT_TABLES]);
  afterThis(store.close);
  return createClusterSettings(createFacts(store), replicas);
}

/** Both hear of the other's settings, in this order. */
function meet(one: ClusterSettings, other: ClusterSettings): void {
  other.adopt(JSON.parse(JSON.stringify(one.current())));
  one.adopt(JSON.parse(JSON.stringify(other.current())));
}

test("until somebody sets them, each node goes by its own REPLICAS", () => {
  const [a, b] = [node(1), node(2)];
  meet(a, b);
  expect([a.current().replicas, b.current().replicas]).toEqual([1, 2]);
});

test("the later settings replace the earlier ones, whichever node hears of the other first", () => {
  for (const swap of [false, true]) {
    const [a, b] = [node(), node()];
    a.change({ replicas: 2 }, 0);
    b.adopt(a.current());
    b.change({ pins: { 7: "b" } }, 1);
    if (swap) meet(b, a);
    else meet(a, b);
    expect(a.current()).toEqual({ version: 2, replicas: 2, pins: { 7: "b" } });
    expect(a.stamp()).toEqual(b.stamp());
  }
});

test("two changes at once lead to the same settings on both nodes", () => {
  for (const swap of [false, true]) {
    const [a, b] = [node(), node()];
    a.change({ replicas: 2 }, 0);
    b.change({ replicas: "all" }, 0);
    if (swap) meet(b, a);
    else meet(a, b);
    expect(a.stamp()).toEqual(b.stamp());
  }
});

test("settings outlive the process, and what is none of them is not taken over", () => {
  const dir = tempDir();
  const store = openStore(dir, [FACT_TABLES]);
  const before = createClusterSettings(createFacts(store), 1);
  before.change({ replicas: "all" }, 4);
  for (const wrong of [
    null,
    "x",
    { version: 9 },
    { version: 9, replicas: 3, pins: {} },
    { version: 9, replicas: 1, pins: { x: "a" } },
  ])
    expect(before.adopt(wrong)).toBe(false);
  store.close();
  const again = openStore(dir, [FACT_TABLES]);
  afterThis(again.close);
  expect(createClusterSettings(createFacts(again), 1).current()).toEqual({
    version: 5,
    replicas: "all",
    pins: {},
  });
});

test("a pinned repository has its node as the first owner, as long as that node has a share", () => {
  const members = ["a", "b", "c"].map((name) => ({ name, weight: 1 }));
  const ids = Array.from({ length: 300 }, (_, n) => n + 1);
  const pins = Object.fromEntries(ids.map((id) => [id, "b"]));
  const [free, pinned] = [createPlacement(members, 2), createPlacement(members, 2, pins)];
  for (const id of ids) {
    const [first, second] = free.ownersOf(id);
    expect(pinned.ownersOf(id)).toEqual(["b", first === "b" ? second : first]);
  }
  const drained = members.map(({ name }) => ({ name, weight: name === "b" ? 0 : 1 }));
  for (const id of ids)
    expect(createPlacement(drained, 2, pins).ownersOf(id)).toEqual(createPlacement(drained, 2).ownersOf(id));
});
