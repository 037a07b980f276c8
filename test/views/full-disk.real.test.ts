import { expect, test } from "vitest";
import { fill, smallDisk } from "../support/small-disk.js";
import { statusOf } from "../support/state.js";
import { World } from "../support/world.js";

const freshz = async (world: World) => (await (await world.api("/freshz")).json()) as object;

test("a full disk is a problem that ends by itself, even with MIN_FREE_DISK=0", async (context) => {
  const dir = smallDisk();
  if (dir === null) return context.skip("a small file system cannot be mounted here: run the tests as root");
  const world = await World.create({ MIN_FREE_DISK: "0" }, dir);
  const repo = await world.standin.createRepository("acme", "app");
  await world.start(repo);
  await expect.poll(() => freshz(world)).toMatchObject({ status: "fresh" });
  const free = fill(dir);
  await expect
    .poll(() => freshz(world))
    .toMatchObject({
      status: "stale",
      problems: expect.arrayContaining([expect.objectContaining({ code: "disk_full" })]),
    });
  const { fresh, state, disk } = await statusOf(world);
  expect([fresh, state, disk.low]).toEqual([false, "stale", true]);
  free();
  await expect
    .poll(() => freshz(world), { timeout: 10_000 })
    .toMatchObject({ status: "fresh", problems: [] });
  await world.pushed(await world.standin.commit(repo, "main"));
  await world.inStep(repo);
});
