import { expect, test } from "vitest";
import { RefreshError } from "../../src/base/errors.js";
import { createRegistry } from "../../src/registry/repositories.js";
import { REGISTRY_TABLES } from "../../src/registry/tables.js";
import { openStore } from "../../src/store/database.js";
import { provenAt } from "../../src/views/freshness.js";
import { openRegistry } from "../support/registry.js";
import { tempDir } from "../support/temp.js";

test("rows that an earlier Lockstep left managed with the time of a removal lose it", () => {
  const dir = tempDir();
  const earlier = openStore(dir, [{ ...REGISTRY_TABLES, steps: REGISTRY_TABLES.steps.slice(0, 3) }]);
  const put = earlier.prepare(
    "INSERT INTO repositories (id, installation_id, owner, name, added_at, state, gone_at) VALUES (?, 1, 'acme', ?1, 0, ?, 5)",
  );
  for (const [id, state] of ["fresh", "failing", "gone", "retired"].entries()) put.run(id, state);
  earlier.close();
  const store = openStore(dir, [REGISTRY_TABLES]);
  const times = createRegistry(store)
    .all()
    .map(({ goneAt }) => goneAt);
  store.close();
  expect(times).toEqual([null, null, 5, 5]);
});

const NOW = 1_800_000_000;
const DAY = 86_400;
/** The local clock, in milliseconds; it may differ from GitHub's. */
const LOCAL = NOW * 1_000;
const remote = {
  ...{ id: 7, installationId: 1, owner: "acme", name: "app", defaultBranch: "main" },
  pushedAt: NOW - 60,
  visibility: null,
  archived: null,
};

/** A repository was compared, and a delivery reported a ref, while GitHub's clock was this far ahead. */
function compared(aheadS: number) {
  const { registry } = openRegistry();
  registry.confirm({ ...remote, pushedAt: NOW + aheadS - 10 }, NOW + aheadS, LOCAL);
  registry.recordComparison(7, {
    ...{ comparedAt: NOW + aheadS, askedAt: LOCAL, settledPushedAt: NOW + aheadS - 10, equal: true },
  });
  registry.learnRef(7, "refs/heads/main", { pushedAt: NOW + aheadS + 1, movedAt: 0, movedFrom: null });
  return registry;
}

test("a time that GitHub's clock was ahead by is lowered by its next answer, and the repository compared", () => {
  const registry = compared(DAY);
  registry.confirm(remote, NOW, LOCAL);
  expect(registry.get(7)).toMatchObject({
    ...{ answeredAt: NOW, comparedAt: NOW, settledPushedAt: -1, recheck: true },
  });
});

test("a comparison counts over one that GitHub's clock was ahead at, and what was learnt by that clock goes", () => {
  const registry = compared(DAY);
  registry.recordComparison(7, { comparedAt: NOW, askedAt: LOCAL, settledPushedAt: -1, equal: true });
  expect(registry.get(7)).toMatchObject({ comparedAt: NOW, recheck: false });
  expect(registry.refs(7).size).toBe(0);
});

test("answers that overtake one another by seconds lower nothing", () => {
  const registry = compared(20);
  registry.confirm(remote, NOW, LOCAL);
  registry.recordComparison(7, { comparedAt: NOW, askedAt: LOCAL, settledPushedAt: -1, equal: true });
  expect(registry.get(7)).toMatchObject({ comparedAt: NOW + 20, settledPushedAt: NOW + 10, recheck: false });
  expect(registry.refs(7).size).toBe(1);
});

test("a comparison and an answer prove what was so when GitHub was asked, not when the work ended", () => {
  const { registry } = openRegistry();
  const askedAt = Date.now() - 8_000;
  registry.confirm(remote, NOW, askedAt);
  registry.recordComparison(7, { comparedAt: NOW, askedAt, settledPushedAt: NOW, equal: true });
  registry.recordRefresh(7, "fresh", null);
  const known = registry.get(7)!;
  expect([known.fullAt, known.askedAt]).toEqual([askedAt, askedAt]);
  expect(provenAt(known, { customRefs: false, now: Date.now() })).toBe(askedAt);
});

test("repositories that are to be mirrored are counted with those that were cloned", () => {
  const { registry, add } = openRegistry();
  for (let id = 1; id <= 7; id++) add(id, { owner: "acme", name: `r${id}` });
  registry.recordRefresh(1, "fresh", null);
  registry.recordRefresh(2, "fresh", null);
  registry.recordFailure(3, new RefreshError("timeout", "a clone took too long"), 1);
  registry.setState(4, "suspended");
  registry.pause(5, Date.now());
  registry.markGone(6, false, Date.now());
  registry.pause(4, Date.now());
  expect(registry.mirrors()).toEqual({ managed: 4, cloned: 2 });
  expect(registry.states()).toEqual({ fresh: 2, onboarding: 2, suspended: 1, paused: 1, gone: 1 });
});

test("several repositories are named at once, and one that is not known is left out", () => {
  const { registry, add } = openRegistry();
  add(1, { owner: "acme", name: "app" });
  add(2, { owner: "acme", name: "web" });
  expect(registry.namesOf([2, 9, 1, 1])).toEqual(
    new Map([
      [1, { owner: "acme", name: "app" }],
      [2, { owner: "acme", name: "web" }],
    ]),
  );
});
