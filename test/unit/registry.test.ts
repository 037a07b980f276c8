import { expect, test } from "vitest";
import { openRegistry } from "../support/registry.js";

const NOW = 1_800_000_000;
const DAY = 86_400;
const remote = {
  ...{ id: 7, installationId: 1, owner: "acme", name: "app", defaultBranch: "main" },
  pushedAt: NOW - 60,
};

/** A repository that was compared, and a ref of which a delivery told, while GitHub's clock was so far ahead. */
function compared(aheadS: number) {
  const { registry } = openRegistry();
  registry.confirm({ ...remote, pushedAt: NOW + aheadS - 10 }, NOW + aheadS);
  registry.compared(7, { comparedAt: NOW + aheadS, settledPushedAt: NOW + aheadS - 10, equal: true });
  registry.learnRef(7, "refs/heads/main", { pushedAt: NOW + aheadS + 1, movedAt: 0, movedFrom: null });
  return registry;
}

test("a time that GitHub's clock was ahead by is lowered by its next answer, and the repository compared", () => {
  const registry = compared(DAY);
  registry.confirm(remote, NOW);
  expect(registry.get(7)).toMatchObject({
    ...{ toldAt: NOW, comparedAt: NOW, settledPushedAt: -1, recheck: true },
  });
});

test("a comparison counts over one that GitHub's clock was ahead at, and what was learnt by that clock goes", () => {
  const registry = compared(DAY);
  registry.compared(7, { comparedAt: NOW, settledPushedAt: -1, equal: true });
  expect(registry.get(7)).toMatchObject({ comparedAt: NOW, recheck: false });
  expect(registry.refs(7).size).toBe(0);
});

test("answers that overtake one another by seconds lower nothing", () => {
  const registry = compared(20);
  registry.confirm(remote, NOW);
  registry.compared(7, { comparedAt: NOW, settledPushedAt: -1, equal: true });
  expect(registry.get(7)).toMatchObject({ comparedAt: NOW + 20, settledPushedAt: NOW + 10, recheck: false });
  expect(registry.refs(7).size).toBe(1);
});
