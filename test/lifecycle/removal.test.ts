import { expect, test } from "vitest";
import { wikiIdOf } from "../../src/base/wikis.js";
import { createDirectory, DIRECTORY_TABLES } from "../../src/cluster/directory.js";
import { createRemoval } from "../../src/lifecycle/removal.js";
import { suspendInstallation } from "../../src/lifecycle/suspend.js";
import { createInstallations } from "../../src/registry/installations.js";
import { countTurns } from "../support/event-loop.js";
import { openRegistry } from "../support/registry.js";

const HOUR_MS = 3_600_000;

/** What no test here is about. */
const REST = {
  ...{ retireAfterMs: 1, now: Date.now, earliestNow: Date.now, latestNow: Date.now },
  ...{
    withdraw: () => false,
    discard: () => true,
    unlink: () => {},
    log: { warn: () => {}, info: () => {} },
  },
};

/** A node that has 20 of 40 repositories, all of them listed for two hours. */
function openNode() {
  const { store, registry, add } = openRegistry(DIRECTORY_TABLES);
  const installations = createInstallations(store);
  installations.note(1, "active", "acme");
  const rows = Array.from({ length: 40 }, (_, n) => ({
    ...{ id: n + 1, installationId: 1, owner: "acme", name: `app-${n + 1}` },
    ...{ defaultBranch: "main", pushedAt: 0, visibility: null, archived: null },
  }));
  const listed = createDirectory(store, () => Date.now() - 2 * HOUR_MS);
  listed.note(rows);
  listed.close(1, new Set(rows.map(({ id }) => id)));
  for (const row of rows.slice(0, 20)) add(row.id, row);
  const everywhere = createDirectory(store);
  const removal = createRemoval({
    ...{ registry, installations, transaction: store.transaction, everywhere },
    ...REST,
  });
  /** What follows from a list that lacks these. */
  async function lacks(ids: readonly number[]) {
    everywhere.close(1, new Set(rows.map(({ id }) => id).filter((id) => !ids.includes(id))));
    const missing = ids.flatMap((id) => registry.get(id) ?? []);
    await removal.handleMissing(1, missing);
    return installations.held(1)?.repositoryIds ?? [];
  }
  const stateOf = (id: number) => registry.get(id)?.state;
  /** Lists lacked these two hours ago, and their removal has been held since. */
  function heldForLong(ids: readonly number[]) {
    listed.close(1, new Set(rows.map(({ id }) => id).filter((id) => !ids.includes(id))));
    installations.hold(1, [...ids]);
  }
  return { registry, installations, removal, lacks, heldForLong, stateOf };
}

const firstOf = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

test("a node counts what it finds missing one by one between two lists of all nodes' repositories", async () => {
  const { registry, installations, removal } = openNode();
  for (const id of firstOf(12)) await removal.handleMissing(1, [registry.get(id)!]);
  expect(installations.held(1)?.repositoryIds).toEqual([11, 12]);
});

test("a confirmation that is interrupted leaves held what it has not come to", async () => {
  const { store, registry, add } = openRegistry();
  const installations = createInstallations(store);
  installations.note(1, "active", "acme");
  const ids = Array.from({ length: 120 }, (_, n) => n + 1);
  for (const id of ids) add(id, { owner: "acme", name: `app-${id}` });
  installations.hold(1, ids);
  const fails = { on: true };
  const removal = createRemoval({
    registry: {
      ...registry,
      markGone(id, excluded, at) {
        if (fails.on && id === 70) throw new Error("disk I/O error");
        registry.markGone(id, excluded, at);
      },
    },
    ...{ installations, transaction: store.transaction, everywhere: null },
    ...REST,
  });
  await expect(removal.confirm(1)).rejects.toThrow("disk I/O error");
  expect(registry.get(70)?.state).toBe("onboarding");
  // What shares a transaction with the failure is as it was.
  expect(installations.held(1)?.repositoryIds).toEqual(ids.slice(50));
  fails.on = false;
  expect(await removal.confirm(1)).toBe(70);
  expect(new Set(registry.all().map(({ state }) => state))).toEqual(new Set(["gone"]));
  expect(installations.held(1)).toBeNull();
});

test("what is confirmed at one node, no other node asks about again", async () => {
  const [a, b] = [openNode(), openNode()];
  const missing = firstOf(15);
  expect(await b.lacks(missing)).toEqual(missing);
  b.removal.onConfirmed((installationId, repositoryIds) => {
    void a.removal.takeConfirmation({ installationId, repositoryIds, at: Date.now() });
  });
  expect(await b.removal.confirm(1)).toBe(15);
  await expect.poll(() => a.stateOf(15)).toBe("gone");
  // The other node reads the list only now.
  expect(await a.lacks(missing)).toEqual([]);
  expect(await a.lacks([16])).toEqual([]);
  expect(a.stateOf(16)).toBe("gone");
});

test("a confirmation of another node means neither what is held since nor what GitHub has shown since", async () => {
  const { registry, removal, lacks, stateOf } = openNode();
  const shown = registry.get(20)!;
  registry.confirm(shown, Math.floor(Date.now() / 1_000), Date.now());
  expect(await lacks(firstOf(15))).toEqual(firstOf(15));
  const before = Date.now() - 1_000;
  await removal.takeConfirmation({ installationId: 1, repositoryIds: [1, 19, 20, 30], at: before });
  expect([1, 2, 19, 20].map(stateOf)).toEqual(["gone", "onboarding", "gone", shown.state]);
});

test("a confirmation also means what was believed to be gone just before, and nothing that moved to another node", async () => {
  const [a, b] = [openNode(), openNode()];
  // Ten are found missing one by one and believed, and the others are held.
  for (const id of firstOf(15)) await b.removal.handleMissing(1, [b.registry.get(id)!]);
  expect(b.installations.held(1)?.repositoryIds).toEqual([11, 12, 13, 14, 15]);
  b.removal.setAside(b.registry.get(16)!);
  const named: number[] = [];
  b.removal.onConfirmed((_, ids) => void named.push(...ids));
  const at = Date.now() - 1;
  await b.removal.confirm(1);
  expect(named.sort((x, y) => x - y)).toEqual(firstOf(15));
  // The other node has held all of them by the time the confirmation comes.
  expect(await a.lacks(firstOf(15))).toEqual(firstOf(15));
  await a.removal.takeConfirmation({ installationId: 1, repositoryIds: named, at });
  expect(a.installations.held(1)).toBeNull();
  expect([1, 15, 16].map(a.stateOf)).toEqual(["gone", "gone", "onboarding"]);
});

test("what few were held with those that another node confirms are believed to be gone, and many are not", async () => {
  const [a, b] = [openNode(), openNode()];
  const at = Date.now() - 1;
  for (const node of [a, b]) expect(await node.lacks(firstOf(18))).toEqual(firstOf(18));
  // The node that confirmed had not found the others missing yet.
  await a.removal.takeConfirmation({ installationId: 1, repositoryIds: firstOf(8), at });
  expect(a.installations.held(1)).toBeNull();
  expect([1, 18, 19].map(a.stateOf)).toEqual(["gone", "gone", "onboarding"]);
  await b.removal.takeConfirmation({ installationId: 1, repositoryIds: firstOf(7), at });
  expect(b.installations.held(1)?.repositoryIds).toEqual(firstOf(18).slice(7));
});

test("an old confirmation that a node learns of late leaves what has been held since", async () => {
  const { installations, removal, heldForLong } = openNode();
  heldForLong(firstOf(15));
  const at = Date.now() - 3 * HOUR_MS;
  await removal.takeConfirmation({ installationId: 1, repositoryIds: [30], at });
  expect(installations.held(1)?.repositoryIds).toEqual(firstOf(15));
});

test("what was confirmed while a list was looked at is not held by it", async () => {
  const { installations, removal, registry, stateOf } = openNode();
  const before = firstOf(15).map((id) => registry.get(id)!);
  for (const id of firstOf(12)) await removal.handleMissing(1, [before[id - 1]!]);
  expect(installations.held(1)?.repositoryIds).toEqual([11, 12]);
  registry.markGone(13, false, Date.now());
  await removal.handleMissing(1, before.slice(12));
  expect(installations.held(1)?.repositoryIds).toEqual([11, 12, 14, 15]);
  expect(stateOf(13)).toBe("gone");
});

/** An installation of 2,000 repositories, all of them known for longer than an hour. */
function openLarge() {
  const { store, registry, add } = openRegistry();
  const installations = createInstallations(store);
  installations.note(1, "active", "acme");
  const ids = Array.from({ length: 2_000 }, (_, n) => n + 1);
  store.transaction(() => {
    for (const id of ids) add(id, { owner: "acme", name: `app-${id}` });
  });
  store.prepare("UPDATE repositories SET added_at = 0").run();
  const ports = { registry, installations, transaction: store.transaction, everywhere: null, ...REST };
  return { store, registry, installations, ids, ports, removal: createRemoval(ports) };
}

test("an installation of thousands is suspended, held and removed while other work goes on", async () => {
  const { store, registry, installations, ids, removal } = openLarge();
  const log = { warn() {} };
  const during = async (act: () => Promise<unknown>) => {
    const turns = countTurns();
    await act();
    expect(turns()).toBeGreaterThanOrEqual(2_000 / 50 - 1);
    return new Set(registry.all().map(({ state }) => state));
  };
  const suspend = () => suspendInstallation({ registry, installations, store, log }, 1, null);
  expect(await during(suspend)).toEqual(new Set(["suspended"]));
  const rows = ids.map((id) => registry.get(id)!);
  expect(await during(() => removal.handleMissing(1, rows))).toEqual(new Set(["failing"]));
  expect(installations.held(1)?.repositoryIds).toEqual(ids);
  expect(await during(() => removal.confirm(1))).toEqual(new Set(["gone"]));
});

test("a hold that is interrupted holds all the same, and says so of all at the next pass", async () => {
  const { registry, installations, ids, ports, removal } = openLarge();
  const recordFailure: typeof registry.recordFailure = (id, ...what) => {
    if (id === 70) throw new Error("disk I/O error");
    registry.recordFailure(id, ...what);
  };
  const failing = createRemoval({ ...ports, registry: { ...registry, recordFailure } });
  const rows = () => ids.map((id) => registry.get(id)!);
  await expect(failing.holdIfTooMany(1, rows())).rejects.toThrow("disk I/O error");
  expect(installations.held(1)?.repositoryIds).toEqual(ids);
  expect(registry.get(70)?.error).toBeNull();
  expect(await removal.holdIfTooMany(1, rows())).toEqual([]);
  expect(new Set(rows().map(({ error }) => error?.code))).toEqual(new Set(["removal_held"]));
});

test("wikis do not count as repositories that left, and are held with their repository", async () => {
  const { store, registry, add } = openRegistry();
  const installations = createInstallations(store);
  installations.note(1, "active", "acme");
  for (const id of firstOf(40)) {
    add(id, { owner: "acme", name: `app-${id}` });
    add(wikiIdOf(id), { owner: "acme", name: `app-${id}.wiki` });
  }
  store.prepare("UPDATE repositories SET added_at = ?").run(Date.now() - 2 * HOUR_MS);
  const removal = createRemoval({
    ...{ registry, installations, transaction: store.transaction, everywhere: null },
    ...REST,
  });
  const missing = (count: number) =>
    firstOf(count).flatMap((id) => [registry.get(id)!, registry.get(wikiIdOf(id))!]);
  const stateOf = (id: number) => registry.get(id)?.state;

  // Ten repositories are believed to be gone, and their ten wikis with them.
  await removal.handleMissing(1, missing(10));
  expect(installations.held(1)).toBeNull();
  expect([stateOf(10), stateOf(wikiIdOf(10))]).toEqual(["gone", "gone"]);

  // An eleventh is not, and its wiki stays with it, also when the wiki is found missing by itself.
  await removal.handleMissing(1, missing(11).slice(20));
  expect(installations.held(1)?.repositoryIds).toEqual([11, wikiIdOf(11)]);
  await removal.handleMissing(1, [registry.get(wikiIdOf(11))!]);
  expect(stateOf(wikiIdOf(11))).not.toBe("gone");
  await removal.confirm(1);
  expect([stateOf(11), stateOf(wikiIdOf(11))]).toEqual(["gone", "gone"]);
});

test("a wiki's mirror stays while the removal of its repository is held", () => {
  const { store, registry, add } = openRegistry();
  const installations = createInstallations(store);
  const wiki = wikiIdOf(1);
  add(1, { owner: "acme", name: "app" });
  add(wiki, { owner: "acme", name: "app.wiki" });
  const later = () => Date.now() + HOUR_MS;
  const removal = createRemoval({
    ...{ registry, installations, transaction: store.transaction, everywhere: null },
    ...REST,
    earliestNow: later,
  });
  registry.markGone(wiki, false, Date.now());
  installations.hold(1, [1]);
  removal.retire(wiki);
  expect(registry.get(wiki)?.state).toBe("gone");
  installations.release(1);
  removal.retire(wiki);
  expect(registry.get(wiki)?.state).toBe("retired");
});
