import { expect, test } from "vitest";
import { createRemoval } from "../../src/lifecycle/removal.js";
import { createInstallations } from "../../src/registry/installations.js";
import { openRegistry } from "../support/registry.js";

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
    ...{ installations, transaction: store.transaction, retireAfterMs: 1, now: Date.now },
    ...{ earliestNow: Date.now, latestNow: Date.now, everywhere: null },
    ...{
      withdraw: () => false,
      discard: () => true,
      unlink: () => {},
      log: { warn: () => {}, info: () => {} },
    },
  });
  expect(() => removal.confirm(1)).toThrow("disk I/O error");
  expect(registry.get(1)?.state).toBe("onboarding");
  expect(installations.held(1)?.repositoryIds).toEqual([1, 2]);
  fails.on = false;
  expect(removal.confirm(1)).toBe(2);
  expect(registry.all().map(({ state }) => state)).toEqual(["gone", "gone"]);
});
