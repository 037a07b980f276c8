import { expect, test } from "vitest";
import { createTakeovers, TAKEOVER_TABLES } from "../../src/cluster/takeovers.js";
import type { Pass } from "../../src/refresh/bring.js";
import { createTakeOver, type FormerOwner, type TakeOverPorts } from "../../src/refresh/take-over.js";
import { openRegistry } from "../support/registry.js";

/** A node that takes a repository over. @param meanwhile what happens while it asks who had the repository */
function openNode(meanwhile: () => FormerOwner | null) {
  const { store, registry, add } = openRegistry(TAKEOVER_TABLES);
  add(1, { owner: "acme", name: "app" });
  const takeovers = createTakeovers(store);
  const begun: string[] = [];
  const takeOver = createTakeOver({
    registry,
    transaction: store.transaction,
    scopeOf: () => ({ depth: null, filter: null }),
    mirrors: { tips: async () => new Map(), kept: async () => [] },
    holds: { begin: (_: number, { ref }: { ref: string }) => begun.push(ref) },
    formerOwners: {
      find: async () => meanwhile(),
      forget: takeovers.forget,
      isOutdated: takeovers.wasSetAside,
      resume: takeovers.resume,
    },
  } as unknown as TakeOverPorts);
  const run = { signal: new AbortController().signal };
  const lend = <T>(wait: () => Promise<T>) => wait();
  const pass = { repository: registry.get(1)!, run, lend } as unknown as Pass;
  const setAside = () => {
    takeovers.setAside(1);
    registry.markGone(1, true, Date.now());
  };
  return {
    registry,
    takeovers,
    setAside,
    begun,
    mirror: () => takeOver.mirror(pass, { isFirst: true }),
    state: () => takeOver.state(1, "b", pass.run),
  };
}

test("what is set aside while it is taken over stays set aside", async () => {
  const node = openNode(() => {
    node.setAside();
    return null;
  });
  expect(await node.mirror()).toBeNull();
  expect(node.takeovers.wasSetAside(1)).toBe(true);
});

test("what was set aside before is not outdated once it was taken over", async () => {
  const node = openNode(() => null);
  node.takeovers.setAside(1);
  expect(await node.mirror()).toBeNull();
  expect(node.takeovers.wasSetAside(1)).toBe(false);
});

test("neither a pause nor a hold of another node stays with a repository that has gone meanwhile", async () => {
  const former = {
    ...{ node: "b", pausedAt: 7, isWhole: true, isNew: () => true, taken() {} },
    openLease: () => ({ close() {} }),
    async *holds() {
      yield [{ ref: "refs/heads/main", tip: "0".repeat(40), allowed: null }];
    },
    async *keptTips() {},
  } as unknown as FormerOwner;
  const stays = openNode(() => former);
  await stays.state();
  expect([stays.registry.get(1)?.pausedAt, stays.begun]).toEqual([7, ["refs/heads/main"]]);
  const goes = openNode(() => {
    goes.setAside();
    return former;
  });
  await goes.state();
  expect([goes.registry.get(1)?.pausedAt, goes.begun]).toEqual([null, []]);
});
