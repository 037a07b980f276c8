import { expect, test } from "vitest";
import { type Beat, readBeat, writeBeat } from "../../src/cluster/beat.js";
import { createLiveness } from "../../src/cluster/liveness.js";
import { createMembers } from "../../src/cluster/members.js";
import { createRoster, nodeIdOf, ROSTER_TABLES } from "../../src/cluster/roster.js";
import { createSeal } from "../../src/cluster/seal.js";
import { createClusterSettings } from "../../src/cluster/settings.js";
import { openStore } from "../../src/store/database.js";
import { createFacts, FACT_TABLES } from "../../src/store/facts.js";
import { Random } from "../../tools/random.js";
import { afterThis } from "../support/listen.js";
import { tempDir } from "../support/temp.js";

const [DEAD_MS, TIMEOUT_MS, PACE_MS] = [15_000, 600_000, 2_000];
const beatOf = (name: string, count: number, changes: Partial<Beat> = {}): Beat => ({
  name,
  id: `id-${name}`,
  epoch: `epoch-${name}`,
  count,
  weight: 1,
  url: null,
  leaving: false,
  format: 1,
  ...changes,
});

/** Members of node `a`, with a clock of the test's own. */
function startMembers(dataDir = tempDir()) {
  const store = openStore(dataDir, [ROSTER_TABLES, FACT_TABLES]);
  afterThis(store.close);
  const roster = createRoster(store);
  const world = { now: 0, count: 0, beats: new Map<string, Beat>() };
  const liveness = createLiveness({ deadMs: DEAD_MS, clock: () => world.now });
  const self = { name: "a", id: nodeIdOf(store), weight: 1, url: null, format: 1 };
  const members = createMembers({
    self,
    roster,
    liveness,
    settings: createClusterSettings(createFacts(store), 1),
    deadMs: DEAD_MS,
    timeoutMs: TIMEOUT_MS,
  });
  let moves = 0;
  members.onPlacement(() => void moves++);
  return {
    members,
    roster,
    close: store.close,
    moves: () => moves,
    names: () => members.all().map(({ name }) => name),
    alive: () => members.all().flatMap(({ name, isAlive }) => (isAlive ? [name] : [])),
    owners: () => new Set(Array.from({ length: 100 }, (_, id) => members.placement().ownersOf(id)[0])),
    /** Time goes by; these nodes beat all along. @param reach whether Redis can be read */
    live(ms: number, names: string[], { reach = true, changes = {} as Partial<Beat> } = {}) {
      for (const end = world.now + ms; world.now < end; ) {
        world.now += PACE_MS;
        world.count++;
        for (const name of names) world.beats.set(name, beatOf(name, world.count, changes));
        if (reach) members.take(world.beats);
      }
    },
    empty: () => world.beats.clear(),
    put: (beat: Beat) => void world.beats.set(beat.name, beat),
  };
}

test("a node is not alive after NODE_DEAD without a beat, and owns nothing after NODE_TIMEOUT", () => {
  const { live, alive, owners, names } = startMembers();
  live(10_000, ["b", "c"]);
  expect(alive()).toEqual(["a", "b", "c"]);
  live(DEAD_MS + PACE_MS, ["b"]);
  expect(alive()).toEqual(["a", "b"]);
  expect(owners()).toEqual(new Set(["a", "b", "c"]));
  live(TIMEOUT_MS - DEAD_MS, ["b"]);
  expect(owners()).toEqual(new Set(["a", "b"]));
  expect(names()).toEqual(["a", "b", "c"]);
  live(2 * PACE_MS, ["b", "c"]);
  expect(owners()).toEqual(new Set(["a", "b", "c"]));
});

test("an emptied Redis, and one that is away however long, removes nobody", () => {
  const { live, empty, alive, moves } = startMembers();
  live(10_000, ["b", "c"]);
  const before = moves();
  empty();
  live(10_000, ["b", "c"]);
  live(3 * TIMEOUT_MS, [], { reach: false });
  expect(alive()).toEqual(["a", "b", "c"]);
  empty();
  live(TIMEOUT_MS - PACE_MS, []);
  expect(moves()).toBe(before);
});

test("time in which Redis was away does not count towards NODE_TIMEOUT", () => {
  const { live, owners } = startMembers();
  live(10_000, ["b", "c"]);
  live(TIMEOUT_MS - 2 * PACE_MS, ["b"]);
  live(DEAD_MS + PACE_MS, ["b"], { reach: false });
  live(TIMEOUT_MS - PACE_MS, ["b"]);
  expect(owners()).toEqual(new Set(["a", "b", "c"]));
  live(2 * PACE_MS, ["b"]);
  expect(owners()).toEqual(new Set(["a", "b"]));
});

test("who was away before a restart is away after it, until it beats again", () => {
  const dataDir = tempDir();
  const first = startMembers(dataDir);
  first.live(10_000, ["b", "c"]);
  first.live(TIMEOUT_MS + PACE_MS, ["b"]);
  first.close();
  const second = startMembers(dataDir);
  expect(second.owners()).toEqual(new Set(["a", "b"]));
  // The last beat of the dead node may still be in Redis.
  second.put(beatOf("c", 7));
  second.live(60_000, ["b"]);
  expect(second.owners()).toEqual(new Set(["a", "b"]));
  second.live(2 * PACE_MS, ["b", "c"], { changes: { epoch: "another" } });
  expect(second.owners()).toEqual(new Set(["a", "b", "c"]));
});

test("beats of earlier processes that somebody puts back keep nobody alive", () => {
  const { live, put, alive } = startMembers();
  live(10_000, ["b"], { changes: { epoch: "first" } });
  live(10_000, ["b"], { changes: { epoch: "second" } });
  for (let round = 0; round < 10; round++) {
    put(beatOf("b", 1_000 + round, { epoch: "first" }));
    live(PACE_MS, []);
    put(beatOf("b", 2, { epoch: "second" }));
    live(PACE_MS, []);
  }
  expect(alive()).toEqual(["a"]);
});

test("a removed id stays out under whatever it beats, and the name is free for another", () => {
  const { live, members, roster, names, put } = startMembers();
  live(10_000, ["b", "c"]);
  expect(roster.remove("c")).toBe(true);
  members.refresh();
  live(60_000, ["b", "c"]);
  expect(names()).toEqual(["a", "b"]);
  put(beatOf("c", 1, { id: "another machine", epoch: "another" }));
  live(PACE_MS, ["b"]);
  expect(names()).toEqual(["a", "b", "c"]);
});

test("jobs are written in a form that every member reads", () => {
  const { live, members, put } = startMembers();
  put(beatOf("b", 1, { format: 5 }));
  live(PACE_MS, []);
  expect(members.format()).toBe(1);
});

test("whatever is silent, emptied, away or restarted: who beats is never taken for dead", () => {
  const random = new Random(Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 32)));
  const { live, empty, owners, alive } = startMembers();
  const all = ["b", "c", "d"];
  live(10_000, all);
  for (let round = 0; round < 300; round++) {
    const beating = all.filter((name) => name === "b" || random.chance(0.7));
    if (random.chance(0.2)) empty();
    live(1 + random.below(2 * TIMEOUT_MS) / 3, beating, { reach: random.chance(0.7) });
    expect(owners()).toContain("b");
    expect(alive()).toContain("b");
  }
});

test("a beat opens only as a beat, under its own name, and with the cluster's secret", () => {
  const seal = createSeal({ secret: "one secret", cluster: "x" });
  const beat = beatOf("b", 1);
  const sealed = writeBeat(seal, beat);
  expect(readBeat(seal, "b", sealed)).toEqual(beat);
  expect(readBeat(seal, "c", sealed)).toBe(null);
  expect(seal.open("delivery", sealed)).toBe(null);
  for (const other of [
    createSeal({ secret: "another", cluster: "x" }),
    createSeal({ secret: "one secret", cluster: "y" }),
  ])
    expect(readBeat(other, "b", sealed)).toBe(null);
  for (const text of ["", "x", sealed.slice(1), `${sealed} `, sealed.replace('"weight":1', '"weight":9')])
    expect(readBeat(seal, "b", text)).toBe(null);
  expect(readBeat(seal, "b", seal.close("beat", '{"name":"b"}'))).toBe(null);
  expect(readBeat(seal, "b", seal.close("beat", "no JSON"))).toBe(null);
});
