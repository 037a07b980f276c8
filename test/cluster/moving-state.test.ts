import { expect, test } from "vitest";
import { createMirrorClaims } from "../../src/cluster/mirror-claim.js";
import {
  askForHolds,
  askForKeptTips,
  askForState,
  createMovingAnswers,
  partsThatDiffer,
  versionOf,
} from "../../src/cluster/moving-state.js";
import { createSeal } from "../../src/cluster/seal.js";
import { createTakeovers, TAKEOVER_TABLES } from "../../src/cluster/takeovers.js";
import { createHolds, HOLD_TABLES } from "../../src/refresh/holds.js";
import { createKeptTips, KEPT_TIP_TABLES } from "../../src/registry/kept-tips.js";
import { openStore } from "../../src/store/database.js";
import { tempDir } from "../support/temp.js";

const SHA = "a".repeat(40);

function setUp() {
  const store = openStore(tempDir(), [HOLD_TABLES, KEPT_TIP_TABLES, TAKEOVER_TABLES]);
  const holds = createHolds(store);
  const kept = createKeptTips(store);
  const world = { pausedAt: null as number | null };
  const sources = {
    hasMirror: () => true,
    hasPart: () => false,
    pausedAt: () => world.pausedAt,
    countHolds: holds.count,
    holds: holds.page,
    kept: kept.page,
  };
  const answers = createMovingAnswers(sources);
  const ask = async <T>(_: unknown, kind: string, body: unknown) =>
    JSON.parse(JSON.stringify(await answers[kind]!(JSON.parse(JSON.stringify(body)), "b"))) as T;
  return { store, holds, kept, world, sources, ask };
}

const hold = (ref: string) =>
  ({ ref, tip: SHA, wanted: SHA, since: 5, cause: "blocked", allowed: null }) as const;
const tip = (at: number) => ({
  name: `refs/lockstep/kept/${at}-${SHA}/heads/main`,
  ref: "refs/heads/main",
  sha: SHA,
  at,
});
const node = { name: "a", url: "http://a" };

async function all<T>(pages: AsyncIterable<T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const page of pages) found.push(...page);
  return found;
}

test("another node reads every hold and every kept tip, page by page", async () => {
  const { holds, kept, ask } = setUp();
  const refs = Array.from({ length: 450 }, (_, n) => `refs/heads/${String(n).padStart(3, "0")}`);
  for (const ref of refs) holds.begin(1, hold(ref));
  const tips = Array.from({ length: 450 }, (_, n) => tip(n));
  await kept.add(1, tips);
  expect((await all(askForHolds(ask, node, 1))).map(({ ref }) => ref)).toEqual(refs);
  expect((await all(askForKeptTips(ask, node, 1))).length).toBe(450);
});

test("a version says which part has changed, and nothing to take over has none", async () => {
  const { holds, kept, world, sources, ask } = setUp();
  expect(versionOf(sources, 1)).toBe(null);
  world.pausedAt = 7;
  const paused = versionOf(sources, 1)!;
  expect([...partsThatDiffer(null, paused)]).toEqual(["pause", "holds", "kept"]);
  holds.begin(1, hold("refs/heads/main"));
  const held = versionOf(sources, 1)!;
  expect([...partsThatDiffer(paused, held)]).toEqual(["holds"]);
  await kept.add(1, [tip(3)]);
  const all = versionOf(sources, 1)!;
  expect([...partsThatDiffer(held, all)]).toEqual(["kept"]);
  expect(await askForState(ask, node, 1)).toEqual({
    hasMirror: true,
    hasPart: false,
    pausedAt: 7,
    version: all,
  });
});

test("what was taken over is remembered until the mirror is made again", () => {
  const takeovers = createTakeovers(setUp().store);
  takeovers.note(1, "a", "v");
  expect([takeovers.find(1, "a"), takeovers.find(1, "b"), takeovers.find(2, "a")]).toEqual(["v", null, null]);
  takeovers.forget(1);
  expect(takeovers.find(1, "a")).toBe(null);
  takeovers.setAside(1);
  expect(takeovers.wasSetAside(1)).toBe(true);
  takeovers.resume(1);
  expect(takeovers.wasSetAside(1)).toBe(false);
});

test("a claim opens one mirror of one node, for a few minutes, and only within the cluster", () => {
  const world = { now: Date.now() };
  const claimsOf = (self: string, secret = "a-secret-of-all-nodes-in-tests") =>
    createMirrorClaims({ self, seal: createSeal({ secret, cluster: "1" }), now: () => world.now });
  const [a, b] = [claimsOf("a"), claimsOf("b")];
  const claim = b.make("a", 1);
  expect([a.isValid(claim, 1), a.isValid(claim, 2), b.isValid(claim, 1)]).toEqual([true, false, false]);
  expect(a.isValid(claimsOf("b", "another-secret-of-somebody-else").make("a", 1), 1)).toBe(false);
  for (const text of ["", "x", claim.slice(1)]) expect(a.isValid(text, 1)).toBe(false);
  world.now += 10 * 60_000;
  expect(a.isValid(claim, 1)).toBe(false);
});
