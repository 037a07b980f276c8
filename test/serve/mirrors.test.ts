import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { condemn, createLayout, pointLink, writeMarker } from "../../src/git/disk/layout.js";
import { createServedMirrors } from "../../src/serve/mirrors.js";
import { tempDir } from "../support/temp.js";

const ID = 7;

/** A mirror's directory, its link, and what is served of it. */
async function mirror(extent: { depth: number | null; filter: "blob:none" | null } | undefined = undefined) {
  const layout = createLayout(tempDir());
  const dir = join(layout.repository(ID), "m-0123abcd");
  mkdirSync(dir, { recursive: true });
  await writeMarker(dir, ID, extent);
  pointLink(layout.mirror(ID), dir);
  const state = { isActive: true };
  const { open } = createServedMirrors({
    layout,
    streamGit: () => {
      throw new Error("nothing is read");
    },
    find: () => (state.isActive ? { provenAt: 1 } : null),
    generation: () => 0,
  });
  return { dir, open, state };
}

test("a whole mirror is served from its own directory, which a replacement leaves in place", async () => {
  const { dir, open } = await mirror();
  expect(open(ID)).toEqual({ id: ID, dir, provenAt: 1 });
  expect(open(8)).toBe(null);
});

test("a mirror that is shallow, partial, condemned or not kept in step is not served", async () => {
  expect((await mirror({ depth: 1, filter: null })).open(ID)).toBe(null);
  expect((await mirror({ depth: null, filter: "blob:none" })).open(ID)).toBe(null);
  const { dir, open, state } = await mirror();
  state.isActive = false;
  expect(open(ID)).toBe(null);
  state.isActive = true;
  await condemn(dir);
  expect(open(ID)).toBe(null);
});
