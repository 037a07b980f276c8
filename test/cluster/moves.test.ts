import { expect, test } from "vitest";
import { createMoves } from "../../src/cluster/moves.js";
import { createPlacement } from "../../src/cluster/placement.js";

const IDS = Array.from({ length: 40 }, (_, n) => n + 1);

/** Node `a` had every repository, and `b` joins. */
function setUp({ replicas = 1, needed = [] as number[] } = {}) {
  const nodes = ["a", "b"].map((name) => ({ name, weight: 1 }));
  const placement = createPlacement(nodes, replicas);
  const aside = new Set<number>();
  const world = { inStep: new Set<number>(), isAnswering: true, clock: 0, asked: 0 };
  const moves = createMoves({
    self: "a",
    members: { placement: () => placement, get: () => ({ url: "http://b", isAlive: true }) as never },
    async ask(_, __, ids) {
      world.asked++;
      if (!world.isAnswering) throw new Error("b is away");
      return (ids as number[]).filter((id) => world.inStep.has(id)) as never;
    },
    ids: () => IDS,
    isManaged: (id) => !aside.has(id),
    isInStep: (id) => id === 1,
    isNeeded: (id) => needed.includes(id),
    setAside: (id) => void aside.add(id),
    clock: () => world.clock,
  });
  const ofB = IDS.filter((id) => !placement.ownersOf(id).includes("a"));
  return { moves, world, aside, ofB };
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

test("what only this node has stays", async () => {
  const { ofB } = setUp();
  const { moves, world, aside } = setUp({ needed: [ofB[0]!] });
  world.inStep = new Set(ofB);
  await moves.round();
  expect([...aside]).toEqual(ofB.slice(1));
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
  const { moves, world } = setUp();
  expect(moves.answer([1, 2, "3"], "c")).toEqual([1]);
  expect(moves.keepersOf(2)).toEqual(["c"]);
  world.clock = 61_000;
  expect(moves.keepersOf(2)).toEqual([]);
  expect(moves.answer("nonsense", "c")).toEqual([]);
});
