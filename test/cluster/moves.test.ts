import { expect, test } from "vitest";
import { createKeepers } from "../../src/cluster/keepers.js";
import { createMoves } from "../../src/cluster/moves.js";
import { createPlacement } from "../../src/cluster/placement.js";

const IDS = Array.from({ length: 40 }, (_, n) => n + 1);

/** Node `a` had every repository, and `b` joins. */
function setUp({ replicas = 1, versions = new Map<number, string>() } = {}) {
  const nodes = ["a", "b"].map((name) => ({ name, weight: 1 }));
  const placement = createPlacement(nodes, replicas);
  const aside = new Set<number>();
  const world = {
    inStep: new Set<number>(),
    taken: new Map<number, string>(),
    taking: [] as [number, string, string][],
    needed: new Set<number>(),
    isAnswering: true,
    clock: 0,
    asked: 0,
  };
  const keepers = createKeepers(() => world.clock);
  const moves = createMoves({
    self: "a",
    members: { placement: () => placement, get: () => ({ url: "http://b", isAlive: true }) as never },
    async ask(_, __, ids) {
      world.asked++;
      if (!world.isAnswering) throw new Error("b is away");
      return (ids as (number | [number, string])[]).flatMap((asked) => {
        const [id, version] = typeof asked === "number" ? [asked] : asked;
        return world.inStep.has(id) && world.taken.get(id) === version ? id : [];
      }) as never;
    },
    ids: () => IDS,
    isManaged: (id) => !aside.has(id),
    isNeeded: (id) => world.needed.has(id),
    isInStep: (id) => id === 1,
    versionOf: (id) => versions.get(id) ?? null,
    hasTaken(...asked) {
      world.taking.push(asked);
      return asked[2] === "taken";
    },
    setAside: (id) => void aside.add(id),
    keepers,
  });
  const ofB = IDS.filter((id) => !placement.ownersOf(id).includes("a"));
  return { moves, world, aside, ofB, keepers };
}

test("a repository is kept until its owner has it in step, and only then set aside", async () => {
  const { moves, world, aside, ofB } = setUp();
  await moves.round();
  expect(moves.count()).toBe(ofB.length);
  expect(aside.size).toBe(0);
  world.inStep = new Set(ofB.slice(0, 3));
  await moves.round();
  expect([...aside]).toEqual(ofB.slice(0, 3));
  expect(ofB.filter(moves.isKept)).toEqual(ofB.slice(3));
});

test("what this node needs itself stays, and is not counted as on its way", async () => {
  const { moves, world, aside, ofB } = setUp();
  world.needed = new Set(ofB.slice(0, 2));
  world.inStep = new Set(ofB);
  await moves.round();
  expect([...aside]).toEqual(ofB.slice(2));
  expect([moves.count(), ofB.filter(moves.isKept)]).toEqual([0, ofB.slice(0, 2)]);
});

test("an owner that does not answer gets more time", async () => {
  const { moves, world, aside, ofB } = setUp();
  world.inStep = new Set(ofB);
  world.isAnswering = false;
  await moves.round();
  expect(aside.size).toBe(0);
  world.isAnswering = true;
  await moves.round();
  expect([...aside]).toEqual(ofB);
  expect(moves.count()).toBe(0);
});

test("what is kept, held or paused here is with the owner before the mirror goes", async () => {
  const [first] = setUp().ofB as [number];
  const versions = new Map([[first, "one"]]);
  const { moves, world, aside, ofB } = setUp({ versions });
  world.inStep = new Set(ofB);
  await moves.round();
  expect([...aside]).toEqual(ofB.slice(1));
  world.taken.set(first, "one");
  versions.set(first, "two");
  await moves.round();
  expect(aside.has(first)).toBe(false);
  world.taken.set(first, "two");
  await moves.round();
  expect(aside.has(first)).toBe(true);
});

test("an owner has a repository once it has taken over what came with the question", () => {
  const { moves, world } = setUp();
  expect(moves.answer([[1, "new"]], "c")).toEqual([]);
  expect(moves.answer([[1, "taken"]], "c")).toEqual([1]);
  // Nothing is taken over before the mirror is in step.
  expect(moves.answer([[2, "new"]], "c")).toEqual([]);
  expect(world.taking).toEqual([
    [1, "c", "new"],
    [1, "c", "taken"],
  ]);
});

test("how much is kept is not known until a round has looked at the newest owners", async () => {
  const { moves, ofB } = setUp();
  expect(moves.count()).toBe(null);
  await moves.round();
  expect(moves.count()).toBe(ofB.length);
  moves.look();
  expect(moves.count()).toBe(null);
  const round = moves.round();
  moves.look();
  await round;
  expect(moves.count()).toBe(null);
});

test("where this node is one of the owners nothing is asked", async () => {
  const { moves, world } = setUp({ replicas: 2 });
  await moves.round();
  expect([moves.count(), world.asked]).toEqual([0, 0]);
});

test("a node that asks is believed to keep what it asks about, for a minute", () => {
  const { moves, world, keepers } = setUp();
  expect(moves.answer([1, 2, "3", [4], ["5", 6]], "c")).toEqual([1]);
  expect(keepers.of(2)).toEqual(["c"]);
  world.clock = 61_000;
  expect(keepers.of(2)).toEqual([]);
  expect(moves.answer("nonsense", "c")).toEqual([]);
});
