import { expect, test } from "vitest";
import { wikiIdOf } from "../../src/base/wikis.js";
import { createPlacement, forEachMove, type Member, type Move } from "../../src/cluster/placement.js";
import { Random } from "../../tools/random.js";

const random = new Random(Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 32)));
const nodes = (count: number, weight = 1): Member[] =>
  Array.from({ length: count }, (_, n) => ({ name: `node-${n}`, weight }));
/** GitHub's ids are as long as this, and may become longer than 32 bits. */
const someIds = (count: number) =>
  Array.from({ length: count }, () => random.below(2 ** 31) * (1 + random.below(4)));
const firstOf = (members: readonly Member[], ids: readonly number[]) => {
  const placement = createPlacement(members, 1);
  return ids.map((id) => placement.ownersOf(id)[0]!);
};
const shareOf = (name: string, owners: readonly string[]) =>
  owners.filter((owner) => owner === name).length / owners.length;

async function movesBetween(
  before: Member[],
  after: Member[],
  ids: number[],
  replicas: number,
): Promise<Move[]> {
  const moves: Move[] = [];
  const views = { before: createPlacement(before, replicas), after: createPlacement(after, replicas) };
  await forEachMove(views, ids, (move) => void moves.push(move));
  return moves;
}

test("every node says the same, in whatever order it knows the members", () => {
  const ids = someIds(200);
  for (let round = 0; round < 50; round++) {
    const members = nodes(1 + random.below(12)).map(({ name }) => ({ name, weight: random.below(4) }));
    const replicas = random.pick([1, 2, 3, "all"] as const)!;
    const [one, other] = [
      createPlacement(members, replicas),
      createPlacement(random.shuffled(members), replicas),
    ];
    for (const id of ids) expect(one.ownersOf(id)).toEqual(other.ownersOf(id));
    expect(one.nodeFor("log")).toBe(other.nodeFor("log"));
  }
});

test("a repository stays where it is from one release to the next", () => {
  const three = createPlacement(nodes(3), 2);
  const weighted = createPlacement([...nodes(2), { name: "large", weight: 2.5 }], "all");
  expect([1, 2, 3, 4_294_967_296, 987_654_321_000].map((id) => three.ownersOf(id))).toMatchInlineSnapshot(`
    [
      [
        "node-0",
        "node-2",
      ],
      [
        "node-1",
        "node-2",
      ],
      [
        "node-0",
        "node-2",
      ],
      [
        "node-1",
        "node-0",
      ],
      [
        "node-1",
        "node-2",
      ],
    ]
  `);
  expect([1, 2, 3].map((id) => weighted.ownersOf(id))).toMatchInlineSnapshot(`
    [
      [
        "large",
        "node-0",
        "node-1",
      ],
      [
        "large",
        "node-1",
        "node-0",
      ],
      [
        "node-0",
        "large",
        "node-1",
      ],
    ]
  `);
  expect(["log", "installation:1", "installation:2"].map(three.nodeFor)).toMatchInlineSnapshot(`
    [
      "node-1",
      "node-2",
      "node-1",
    ]
  `);
});

test("owners are different nodes, as many as REPLICAS says while there are as many nodes with a weight", () => {
  for (let round = 0; round < 200; round++) {
    const members = nodes(random.below(9)).map(({ name }) => ({ name, weight: random.below(3) }));
    const able = members.filter(({ weight }) => weight > 0).map(({ name }) => name);
    const replicas = random.pick([1, 2, "all"] as const)!;
    const owners = createPlacement(members, replicas).ownersOf(random.below(2 ** 31));
    expect(new Set(owners).size).toBe(owners.length);
    expect(owners.length).toBe(replicas === "all" ? able.length : Math.min(replicas, able.length));
    expect(owners.every((name) => able.includes(name))).toBe(true);
  }
  expect(createPlacement([], "all").nodeFor("log")).toBe(null);
});

test("shares follow the weights, for ids in a row as for ids at random", () => {
  const members = [1, 1, 2, 4, 0.5].map((weight, n) => ({ name: `node-${n}`, weight }));
  const inRow = Array.from({ length: 20_000 }, (_, n) => 700_000_000 + n);
  for (const ids of [inRow, someIds(20_000), inRow.map((id) => id * 2 ** 20)]) {
    const owners = firstOf(members, ids);
    // Five standard deviations of a share of 20,000 draws are less than this.
    for (const { name, weight } of members)
      expect(Math.abs(shareOf(name, owners) - weight / 8.5)).toBeLessThan(0.018);
  }
});

test("a node that joins takes its share, and nothing moves between the others", async () => {
  for (const replicas of [1, 2]) {
    const count = 3 + random.below(8);
    const joined: Member = { name: "joining", weight: 1 + random.below(3) };
    const before = nodes(count);
    const moves = await movesBetween(before, [...before, joined], someIds(10_000), replicas);
    for (const move of moves)
      expect(move.after.filter((name) => name !== "joining")).toEqual(
        move.before.slice(0, move.after.includes("joining") ? replicas - 1 : replicas),
      );
    const share = (replicas * joined.weight) / (count + joined.weight);
    if (replicas === 1) expect(Math.abs(moves.length / 10_000 - share)).toBeLessThan(0.03);
    else expect(moves.length / 10_000).toBeLessThan(share + 0.03);
  }
});

test("when a node leaves, only its own share moves, and its second owners become the first", async () => {
  const before = nodes(6).map((node) => ({ ...node, weight: 1 + random.below(3) }));
  const left = random.pick(before)!.name;
  const after = before.filter(({ name }) => name !== left);
  for (const replicas of [1, 2]) {
    const moves = await movesBetween(before, after, someIds(10_000), replicas);
    expect(moves.length).toBeGreaterThan(500);
    for (const move of moves) {
      expect(move.before).toContain(left);
      const stayed = move.before.filter((name) => name !== left);
      expect(move.after.slice(0, stayed.length)).toEqual(stayed);
    }
  }
});

test("a larger weight only brings repositories, and a drained node owns nothing", async () => {
  const before = nodes(5);
  const ids = someIds(10_000);
  const heavier = before.map((node) => (node.name === "node-2" ? { ...node, weight: 3 } : node));
  for (const { after } of await movesBetween(before, heavier, ids, 1)) expect(after).toEqual(["node-2"]);
  const drained = before.map((node) => (node.name === "node-2" ? { ...node, weight: 0 } : node));
  for (const { before: owners } of await movesBetween(before, drained, ids, 1))
    expect(owners).toEqual(["node-2"]);
  expect(createPlacement(drained, "all").ownersOf(1)).not.toContain("node-2");
});

test("two nodes whose owners are one repository's are not the owners of the same others", () => {
  // If the second owner followed from the first, a node's death would burden one other node alone.
  const placement = createPlacement(nodes(6), 2);
  const seconds = new Set<string>();
  for (const id of someIds(2_000)) {
    const [first, second] = placement.ownersOf(id);
    if (first === "node-0") seconds.add(second!);
  }
  expect(seconds.size).toBe(5);
});

test("a weight that is no number from 0 is refused", () => {
  for (const weight of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => createPlacement([{ name: "a", weight }], 1)).toThrow(/weight of a/);
});

test("100 nodes and 100,000 repositories are worked through in slices of the event loop", async () => {
  const ids = Array.from({ length: 100_000 }, (_, n) => n * 7_919);
  let [turns, isDone] = [0, false];
  const countTurn = () => {
    turns++;
    if (!isDone) setImmediate(countTurn);
  };
  setImmediate(countTurn);
  const began = process.cpuUsage();
  const moves = await movesBetween(nodes(100), nodes(101), ids, 2);
  isDone = true;
  expect(moves.length / ids.length).toBeLessThan(2 / 101 + 0.003);
  // A slice is over after 10 ms; on a busy machine this process has only a part of them.
  const { user, system } = process.cpuUsage(began);
  expect(turns).toBeGreaterThan((user + system) / 1_000 / 50);
});

test("a wiki lies with its repository, pinned or not", () => {
  const placement = createPlacement(
    ["a", "b", "c"].map((name) => ({ name, weight: 1 })),
    2,
    { 7: "c" },
  );
  for (let id = 1; id <= 100; id++) expect(placement.ownersOf(wikiIdOf(id))).toEqual(placement.ownersOf(id));
  expect(placement.ownersOf(wikiIdOf(7))[0]).toBe("c");
});
