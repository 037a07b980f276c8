import { realpathSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ownBootId } from "../support/power-cut.js";
import { expectTree, published, untilPublished } from "../support/published.js";

test("after a restart of the machine the first publish reads the published tree", async () => {
  const { world, repo, link, push } = await published();
  const sha = await push({ a: "1", b: "1" });
  await world.stop();
  const file = join(realpathSync(link()), "a");
  const { atime, mtime } = statSync(file);
  writeFileSync(file, "2");
  utimesSync(file, atime, mtime);
  ownBootId(world)("second");
  const from = world.log.length;
  await world.start();
  await world.line(({ event }) => event === "refreshed", from);
  await untilPublished(world);
  expectTree(world, repo, link(), sha);
  expect(world.log.slice(from).some(({ event }) => event === "tree_differs")).toBe(true);
});
