import { expect, test } from "vitest";
import { createDirectory, DIRECTORY_TABLES } from "../../src/cluster/directory.js";
import { createRemoval } from "../../src/lifecycle/removal.js";
import { createInstallations } from "../../src/registry/installations.js";
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

test("a node counts what it finds missing one by one between two lists of all nodes' repositories", () => {
  const { store, registry, add } = openRegistry(DIRECTORY_TABLES);
  const installations = createInstallations(store);
  installations.note(1, "active", "acme");
  const directory = createDirectory(store, () => Date.now() - 2 * HOUR_MS);
  const rows = Array.from({ length: 40 }, (_, n) => ({
    ...{ id: n + 1, installationId: 1, owner: "acme", name: `app-${n + 1}` },
    ...{ defaultBranch: "main", pushedAt: 0, visibility: null, archived: null },
  }));
  directory.note(rows);
  directory.close(1, new Set(rows.map(({ id }) => id)));
  // This node owns half of them.
  for (const row of rows.slice(0, 20)) add(row.id, row);
  const removal = createRemoval({
    ...{ registry, installations, transaction: store.transaction, everywhere: createDirectory(store) },
    ...REST,
  });
  for (const { id } of rows.slice(0, 12)) removal.handleMissing(1, [registry.get(id)!]);
  expect(installations.held(1)?.repositoryIds).toEqual([11, 12]);
});

test("a confirmation that is interrupted has confirmed nothing", () => {
  const { store, registry, add } = openRegistry();
  const installations = createInstallations(store);
  installations.note(1, "active", "acme");
  for (const id of [1, 2]) add(id, { owner: "acme", name: `app-${id}` });
  installations.hold(1, [1, 2]);
  const fails = { on: true };
  const removal = createRemoval({
    registry: {
      ...registry,
      markGone(id, excluded, at) {
        if (fails.on && id === 2) throw new Error("disk I/O error");
        registry.markGone(id, excluded, at);
      },
    },
    ...{ installations, transaction: store.transaction, everywhere: null },
    ...REST,
  });
  expect(() => removal.confirm(1)).toThrow("disk I/O error");
  expect(registry.get(1)?.state).toBe("onboarding");
  expect(installations.held(1)?.repositoryIds).toEqual([1, 2]);
  fails.on = false;
  expect(removal.confirm(1)).toBe(2);
  expect(registry.all().map(({ state }) => state)).toEqual(["gone", "gone"]);
});
