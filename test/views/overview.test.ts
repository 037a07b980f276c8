import { expect, test } from "vitest";
import { createHolds, HOLD_TABLES } from "../../src/refresh/holds.js";
import { createRefreshLog, REFRESH_TABLES } from "../../src/refresh/log.js";
import { createRanking, type RankQuery } from "../../src/registry/ranking.js";
import { RANK } from "../../src/registry/tables.js";
import { createTroubled } from "../../src/registry/troubled.js";
import { listAttention } from "../../src/views/attention.js";
import { createOverview } from "../../src/views/overview.js";
import { openRegistry } from "../support/registry.js";

const AT = "2026-01-05T12:00:00.000Z";
const [OLD, NEW] = ["1".repeat(40), "2".repeat(40)];
const QUERY: RankQuery = {
  ...{ order: "worst", isHeld: false, offset: 0, limit: 50, running: [] },
  ...{ state: null, installationId: null, name: null },
};

function open(count: number) {
  const { store, registry } = openRegistry(HOLD_TABLES, REFRESH_TABLES);
  store
    .prepare(
      `INSERT INTO repositories (id, installation_id, owner, name, state, added_at)
       WITH RECURSIVE ids (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < ?)
       SELECT id, 1, 'acme', printf('app-%05d', id), 'fresh', 1 FROM ids`,
    )
    .run(count);
  const holds = createHolds(store);
  const refreshes = createRefreshLog(store);
  const rankingOf = createRanking(store);
  const troubled = createTroubled(store);
  const fail = (id: number, code = "forbidden", at = 1) =>
    store
      .prepare(
        "UPDATE repositories SET state = 'failing', error_code = ?, error_message = 'm', error_hint = 'h', error_at = ?, error_attempt = 1 WHERE id = ?",
      )
      .run(code, at, id);
  const hold = (id: number) =>
    holds.begin(id, {
      ...{ ref: "refs/heads/main", tip: OLD, wanted: NEW, since: 5, cause: "blocked", allowed: null },
    });
  const attention = (whole: Partial<Parameters<typeof listAttention>[1]> = {}) =>
    listAttention({ troubled, holds, registry }, { problems: [], outages: [], ...whole });
  const names = (query: Partial<RankQuery> = {}) =>
    rankingOf({ ...QUERY, ...query }).repositories.map(({ id }) => id);
  return { store, registry, holds, refreshes, rankingOf, fail, hold, attention, names };
}

test("the worst come first, and each other order and filter is kept by pages", () => {
  const { store, registry, names, rankingOf, fail, hold } = open(6);
  fail(5);
  registry.pause(2, 1);
  store.prepare("UPDATE repositories SET state = 'behind' WHERE id = 4").run();
  store.prepare("UPDATE repositories SET state = 'gone' WHERE id = 1").run();
  store.prepare("UPDATE repositories SET lag_ms = 900 WHERE id = 6").run();
  hold(3);
  expect(names()).toEqual([5, 4, 2, 3, 6, 1]);
  expect(names({ offset: 2, limit: 2 })).toEqual([2, 3]);
  expect(names({ order: "name" })).toEqual([1, 2, 3, 4, 5, 6]);
  expect(names({ order: "lag" })[0]).toBe(6);
  expect(names({ isHeld: true })).toEqual([3]);
  expect(names({ hasNoHolds: true })).toEqual([5, 4, 2, 6, 1]);
  expect(names({ hasNoHolds: true, state: "fresh" })).toEqual([6]);
  expect(names({ state: "paused" })).toEqual([2]);
  expect(names({ state: "refreshing", running: [6] })).toEqual([6]);
  expect(rankingOf({ ...QUERY, name: "00005" })).toMatchObject({ total: 1 });
});

test("the worst are read from an index, so that a look does not sort ten thousand rows", () => {
  const { store, rankingOf } = open(10_000);
  rankingOf(QUERY);
  const sql = `SELECT * FROM repositories ORDER BY ${RANK}, owner, name, id LIMIT 50 OFFSET 0`;
  const plan = store.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
  expect(plan.map(({ detail }) => detail)).toEqual(["SCAN repositories USING INDEX repositories_rank"]);
});

test("a strip has the last thirty refreshes, and the lags of pushes alone", () => {
  const { refreshes } = open(1);
  const one = { endedAt: 1, durationMs: 1, attempt: 1, way: "word" } as const;
  for (let n = 0; n < 40; n++)
    refreshes.add(1, { ...one, lagMs: n, trigger: "push", result: "changed", reason: null, changed: 1 });
  refreshes.add(1, {
    ...one,
    lagMs: 900,
    trigger: "push",
    result: "timeout",
    reason: "too slow",
    changed: 0,
  });
  refreshes.add(1, {
    ...one,
    lagMs: 800,
    trigger: "backstop",
    result: "unchanged",
    reason: null,
    changed: 0,
  });
  const overview = createOverview({ refreshes } as never);
  const { beats, lags } = overview.beats(1);
  expect([beats.length, beats.slice(-3)]).toEqual([30, ["good", "bad", "none"]]);
  expect([lags.length, lags.at(-1)]).toEqual([28, 39]);
  expect(overview.beats(2)).toEqual({ beats: [], lags: [] });
});

test("what fails with one cause is one entry, and what fails alone is an entry of its own", () => {
  const { fail, attention } = open(1_000);
  for (let id = 1; id <= 700; id++) fail(id);
  fail(900, "not_found", 2);
  const { attention: all, total } = attention();
  expect(total).toBe(2);
  expect(all[0]).toMatchObject({ kind: "failing", code: "forbidden", repository: null, call: null });
  expect(all[0]!.names).toHaveLength(3);
  expect(all.map(({ repositories }) => repositories).reduce((a, b) => a + b)).toBe(701);
});

test("a held ref says what would happen, with the call that allows it", () => {
  const { hold, attention, registry, holds } = open(3);
  hold(2);
  const { attention: all, heldRepositories } = attention();
  expect([heldRepositories, all]).toMatchObject([
    1,
    [{ kind: "held", repository: "acme/app-00002", ref: "refs/heads/main", wanted: NEW }],
  ]);
  expect(all[0]!.detail).toBe(
    "main was moved by force at GitHub: 1111111 → 2222222. The mirror keeps 1111111 until you decide.",
  );
  expect(all[0]!.call).toContain("/allow");
  holds.allow(2, "refs/heads/main", NEW);
  expect(attention()).toEqual({ attention: [], total: 0, heldRepositories: 0 });
  expect(registry.get(2)?.state).toBe("fresh");
});

test("a repository counts once: what fails or is paused is not also in step but for its held refs", () => {
  const { fail, hold, registry, attention } = open(4);
  for (const id of [1, 2, 3]) hold(id);
  fail(2);
  registry.pause(3, 1);
  expect(attention()).toMatchObject({ heldRepositories: 1, total: 4 });
});

test("the worst come first: outages, faults of the whole, failures, held refs; and the list is bounded", () => {
  const { fail, hold, attention } = open(200);
  fail(1, "not_found");
  for (let id = 100; id < 180; id++) hold(id);
  const { attention: all, total } = attention({
    outages: [{ server: "github.com", since: AT, nextProbeAt: null }],
    problems: [{ code: "removal_held", detail: "d", remedy: "r", since: AT, installationId: 3 }],
  });
  expect(all.slice(0, 4).map(({ kind }) => kind)).toEqual(["outage", "problem", "failing", "held"]);
  expect(all[1]!.call).toBe("POST /api/v1/installations/3/confirm-removal");
  expect([all.length, total]).toEqual([30, 83]);
});

test("an outage that has become a problem is one entry, not two", () => {
  const { attention } = open(3);
  const outages = [{ server: "github.com", since: AT, nextProbeAt: null }];
  const problems = [{ code: "server_out" as const, detail: "d", remedy: "r", since: AT }];
  expect(attention({ outages, problems }).attention).toMatchObject([
    { kind: "outage", server: "github.com", detail: expect.stringMatching(/^No answer from github\.com\./) },
  ]);
  expect(attention({ problems }).attention.map(({ kind }) => kind)).toEqual(["problem"]);
});
