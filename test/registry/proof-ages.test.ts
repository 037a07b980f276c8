import fc from "fast-check";
import { expect, test } from "vitest";
import { isAhead } from "../../src/base/clock.js";
import { createProofAges } from "../../src/registry/proof-ages.js";
import type { ManagedRepository } from "../../src/registry/repositories.js";
import { provenAt } from "../../src/views/freshness.js";
import { openRegistry } from "../support/registry.js";

const NOW = 10_000_000;
/** Some times are ahead: by less than a clock is corrected, or by more. */
const time = fc.integer({ min: 0, max: NOW + 600_000 });
const row = fc.record({
  state: fc.constantFrom("onboarding", "fresh", "behind", "failing", "suspended", "gone", "retired"),
  added_at: time,
  pushed_at: fc.integer({ min: 0, max: 3 }),
  settled_pushed_at: fc.integer({ min: -1, max: 3 }),
  asked_at: time,
  full_at: fc.option(time),
  paused_at: fc.option(time, { freq: 4 }),
  error_code: fc.option(fc.constant("timeout")),
  error_attempt: fc.option(fc.integer({ min: 1, max: 6 })),
});

/** Computes with `provenAt` what SQLite must return. */
function expected(all: ManagedRepository[], customRefs: boolean, staleAfterMs: number) {
  const kept = all.filter(({ state, pausedAt }) => !["gone", "retired"].includes(state) && pausedAt === null);
  const ageOf = (it: ManagedRepository) =>
    Math.max(0, NOW - (provenAt(it, { customRefs, now: NOW }) ?? it.addedAt));
  const isUnproven = (it: ManagedRepository) =>
    (ageOf(it) > staleAfterMs || isAhead(it.fullAt ?? 0, NOW)) && it.state !== "onboarding";
  const keepsFailing = ({ state, error }: ManagedRepository) =>
    ["failing", "onboarding"].includes(state) && (error?.attempt ?? 0) >= 4;
  return {
    oldestMs: kept.length === 0 ? null : Math.max(0, ...kept.map(ageOf)),
    stale: kept
      .filter((it) => isUnproven(it) || keepsFailing(it))
      .map(({ owner, name, state, error }) => ({
        repository: `${owner}/${name}`,
        reason: error ? `${state}: ${error.code}` : state,
      })),
  };
}

test("the oldest proof and what is stale, for whatever the registry holds", () => {
  const { store, registry } = openRegistry();
  const clear = store.prepare("DELETE FROM repositories");
  const put = store.prepare(
    `INSERT INTO repositories (id, installation_id, owner, name, state, added_at, pushed_at, settled_pushed_at, asked_at,
     full_at, paused_at, error_code, error_message, error_hint, error_at, error_attempt)
     VALUES (?, 1, 'acme', 'r' || ?1, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 0, ?)`,
  );
  const rows = fc.array(row, { maxLength: 9 });
  fc.assert(
    fc.property(rows, fc.boolean(), fc.integer({ min: 0, max: NOW }), (given, customRefs, staleAfterMs) => {
      clear.run();
      for (const [index, it] of given.entries()) {
        const attempt = it.error_code === null ? null : (it.error_attempt ?? 1);
        put.run(index + 1, ...Object.values({ ...it, error_attempt: attempt }));
      }
      const read = createProofAges({ store, staleAfterMs, customRefs, now: () => NOW });
      expect(read()).toEqual(expected(registry.all(), customRefs, staleAfterMs));
    }),
  );
});

test("a proof dated by a clock that was ahead proves nothing, and one slightly ahead has no age", () => {
  const { store, registry, add } = openRegistry();
  add(1, { owner: "acme", name: "app" });
  const proven = (askedAt: number) => {
    registry.confirm({ ...registry.get(1)!, pushedAt: 1 }, 1, 1);
    registry.recordComparison(1, { comparedAt: 1, askedAt, settledPushedAt: 1, equal: true });
    registry.recordRefresh(1, "fresh", null);
    const now = Date.now() + 3_600_000;
    return createProofAges({ store, staleAfterMs: 60_000, customRefs: false, now: () => now })();
  };
  const inTwoHours = Date.now() + 2 * 3_600_000;
  expect(proven(inTwoHours).stale).toEqual([{ repository: "acme/app", reason: "fresh" }]);
  expect(provenAt(registry.get(1)!, { customRefs: false, now: Date.now() })).toBeNull();
  expect(proven(Date.now() + 3_600_000 + 30_000)).toEqual({ oldestMs: 0, stale: [] });
});

test("no more than a hundred are named", () => {
  const { store, registry, add } = openRegistry();
  store.transaction(() => {
    for (let id = 1; id <= 150; id++) {
      add(id, { owner: "acme", name: `r${id}` });
      registry.recordRefresh(id, "fresh", null);
    }
  });
  const now = () => Date.now() + 1_000;
  const read = createProofAges({ store, staleAfterMs: 0, customRefs: false, now });
  expect(read().stale).toHaveLength(100);
});
