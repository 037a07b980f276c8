import { expect, test } from "vitest";
import { createSweep } from "../../src/checkouts/sweep.js";
import { createLayout } from "../../src/git/disk/layout.js";
import { openRegistry } from "../support/registry.js";
import { tempDir } from "../support/temp.js";

const REPOSITORIES = 3_000;

function setUp() {
  const { store, registry, add } = openRegistry();
  store.transaction(() => {
    for (let id = 1; id <= REPOSITORIES; id++) add(id, { owner: "acme", name: `site-${id}` });
  });
  const requested: number[] = [];
  const sweep = createSweep({
    checkouts: { start() {}, check: async () => {}, isOutdated: () => true },
    registry,
    layout: createLayout(tempDir()),
    obstacles: { report() {} },
    hasMirror: () => true,
    hasWantedExtent: () => true,
    request: (id) => void requested.push(id),
  });
  return { sweep, requested };
}

test("the look at every repository at the start lets other work run, and ends with the process", async () => {
  const { sweep, requested } = setUp();
  const started = sweep.start(() => false);
  expect(requested.length).toBeLessThan(REPOSITORIES);
  await started;
  expect(requested).toHaveLength(REPOSITORIES);

  const ended = setUp();
  await ended.sweep.start(() => ended.requested.length > 0);
  expect(ended.requested).toEqual([1]);
});
