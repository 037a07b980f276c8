import { expect, test } from "vitest";
import {
  type AfterBootPorts,
  doubtMirrors,
  requestSome,
  turnsQuota,
  waitsForTurn,
} from "../../src/lifecycle/after-boot.js";
import { BOOT_CHECK_TABLES, createBootChecks } from "../../src/registry/boot-checks.js";
import { NO_LOG } from "../support/config.js";
import { openRegistry } from "../support/registry.js";

/** Doubts the mirrors of two installations: `many` of the first, and one of the second. */
function doubted(many: number, hourlyCalls: number | null = null) {
  const { store, registry, add } = openRegistry(BOOT_CHECK_TABLES);
  for (let id = 1; id <= many + 1; id++) {
    add(id, { owner: "acme", name: `app${id}` }, id > many ? 2 : 1);
    registry.recordComparison(id, { comparedAt: 1, askedAt: 1, settledPushedAt: 1, equal: true });
    registry.setState(id, "fresh");
  }
  const requested: number[] = [];
  const checks = createBootChecks(store);
  const comparing = new Set<number>();
  const ports: AfterBootPorts = {
    checks,
    registry,
    comparingMs: (id) => (comparing.has(id) ? 0 : null),
    request: ({ id }) => void requested.push(id),
    hourlyCalls: () => hourlyCalls,
    transaction: store.transaction,
    log: NO_LOG,
  };
  doubtMirrors(ports);
  return { ports, registry, checks, requested, comparing };
}

test.each([
  ["the least that GitHub allows", null, 20],
  ["more", 12_500, 52],
  ["a limit of next to nothing", 10, 1],
])("a turn has half of an installation's calls in a minute: %s", (_, hourlyCalls, quota) => {
  expect(turnsQuota(hourlyCalls)).toBe(quota);
});

test("after a restart no mirror is fresh, and comparisons are requested a few at a time by installation", async () => {
  const { ports, registry, requested } = doubted(45);
  expect(registry.states()).toEqual({ behind: 46 });
  const turns: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    const before = requested.length;
    await requestSome(ports);
    turns.push(requested.length - before);
  }
  expect(turns).toEqual([21, 20, 5, 0]);
  expect(new Set(requested).size).toBe(46);
});

test("a pass leaves a doubted repository to its turn, unless it has a push that was missed", async () => {
  const { ports, registry } = doubted(30);
  registry.confirm({ ...registry.get(30)!, pushedAt: 9 }, 10, 10_000);
  expect(waitsForTurn(ports, 29)).toBe(true);
  expect(waitsForTurn(ports, 30)).toBe(false);
  await requestSome(ports);
  expect(waitsForTurn(ports, 1)).toBe(false);
  expect(waitsForTurn(ports, 29)).toBe(true);
});

test("a repository that was compared since the restart, or is being compared, is not compared once more", async () => {
  const { ports, registry, requested, comparing } = doubted(3);
  registry.recordComparison(1, { comparedAt: 2, askedAt: 2, settledPushedAt: 1, equal: true });
  comparing.add(2);
  await requestSome(ports);
  expect(requested).toEqual([3, 4]);
  comparing.clear();
  await requestSome(ports);
  expect(requested).toEqual([3, 4]);
});

test("a repository that is gone is inspected when it returns, and its comparison is not requested", async () => {
  const { ports, registry, checks, requested } = doubted(1);
  registry.markGone(1, false, 1);
  doubtMirrors(ports);
  await requestSome(ports);
  expect(requested).toEqual([2]);
  expect(checks.needsInspection(1)).toBe(true);
});

test("a mirror is doubted until it is inspected, whenever it is compared", async () => {
  const { ports, checks } = doubted(1);
  await requestSome(ports);
  expect(checks.needsInspection(1)).toBe(true);
  checks.inspected(1);
  expect(checks.needsInspection(1)).toBe(false);
  doubtMirrors(ports);
  expect(checks.needsInspection(1)).toBe(true);
});
