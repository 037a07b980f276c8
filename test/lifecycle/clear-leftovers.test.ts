import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLayout } from "../../src/git/disk/layout.js";
import { createWriters } from "../../src/git/mirror/writers.js";
import { clearAllLeftovers } from "../../src/lifecycle/clear-leftovers.js";
import { tempDir } from "../support/temp.js";

function setUp() {
  const layout = createLayout(tempDir());
  for (const id of [1, 2, 3, 4]) mkdirSync(layout.repository(id), { recursive: true });
  writeFileSync(layout.tally, "");
  const ensured: number[] = [];
  const faults: [string, unknown][] = [];
  const ports = {
    layout,
    trusts: (id: number) => id === 2,
    async ensure(id: number) {
      if (id === 1) throw new Error("database or disk is full");
      ensured.push(id);
      return true;
    },
    isBusy: (id: number) => id === 3,
    write: createWriters().write,
    onFault: (path: string, error: unknown) => void faults.push([path, error]),
  };
  return { layout, ports, ensured, faults };
}

test("everything that can be cleared is, whatever fails, and what runs or has no leftovers is left alone", async () => {
  const { layout, ports, ensured, faults } = setUp();
  mkdirSync(join(layout.trash, "old"), { recursive: true });
  const contents = (id: number) => join(layout.repository(id), "trees", "@", "content.git");
  for (const id of [3, 4]) {
    mkdirSync(join(contents(id), "objects", "pack"), { recursive: true });
    writeFileSync(join(contents(id), "objects", "pack", "tmp_pack_x"), "");
  }
  await clearAllLeftovers(ports, [3, 4], new AbortController().signal);
  expect(ensured).toEqual([4]);
  expect(faults).toEqual([[layout.repository(1), expect.objectContaining({ message: expect.any(String) })]]);
  expect(existsSync(join(layout.trash, "old"))).toBe(false);
  const isThere = (id: number) => existsSync(join(contents(id), "objects", "pack", "tmp_pack_x"));
  expect([isThere(3), isThere(4)]).toEqual([true, false]);
});

test("a stop ends the clearing", async () => {
  const { ports, ensured } = setUp();
  await clearAllLeftovers(ports, [], AbortSignal.abort());
  expect(ensured).toEqual([]);
});
