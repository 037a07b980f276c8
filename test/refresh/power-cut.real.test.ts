import { realpathSync } from "node:fs";
import { expect, test } from "vitest";
import { plainGit } from "../support/git.js";
import { compare } from "../support/history.js";
import { DAMAGES, HIDDEN_DAMAGES, keptObjects, ownBootId, worldWithKeptTip } from "../support/power-cut.js";
import { stateOf, untilState } from "../support/state.js";

test.each(DAMAGES)("the next refresh heals the mirror, and kept tips come back: %s", async (_, damage) => {
  const { world, repo, kept, tip } = await worldWithKeptTip();
  const mirror = realpathSync(world.mirror(repo));
  damage(mirror, tip);
  await compare(world, repo);
  await world.inStep(repo);
  expect(realpathSync(world.mirror(repo))).not.toBe(mirror);
  expect(keptObjects(world, repo)).toEqual([kept]);
  expect((await stateOf(world, "acme/app")).state).toBe("fresh");
  plainGit(world.mirror(repo), "fsck", "--strict");
});

test.each([...DAMAGES, ...HIDDEN_DAMAGES])(
  "a restart of the machine heals the mirror: %s",
  async (_, damage) => {
    const { world, repo, kept, tip } = await worldWithKeptTip();
    await world.stop();
    const mirror = realpathSync(world.mirror(repo));
    damage(mirror, tip);
    ownBootId(world)("second");
    const from = world.log.length;
    await world.start();
    await world.line(({ event, result }) => event === "refreshed" && result === "cloned", from);
    await world.inStep(repo);
    expect(keptObjects(world, repo)).toEqual([kept]);
    await untilState(world, "acme/app", ({ state }) => state === "fresh");
    plainGit(world.mirror(repo), "fsck", "--strict");
  },
);

test("a kept tip whose ref was lost comes back after a restart of the machine", async () => {
  const { world, repo, kept } = await worldWithKeptTip();
  await world.stop();
  const [name = ""] = Object.keys(world.kept(repo));
  plainGit(world.mirror(repo), "update-ref", "-d", name);
  ownBootId(world)("second");
  const from = world.log.length;
  await world.start();
  await world.line(({ event }) => event === "refreshed", from);
  expect(world.kept(repo)).toEqual({ [name]: kept });
  expect(world.log.slice(from).some(({ result }) => result === "cloned")).toBe(false);
});

test("a sound mirror is compared once after a restart of the machine, and is not fresh before", async () => {
  const { world, repo } = await worldWithKeptTip();
  const store = ownBootId(world);
  const starts: number[] = [];
  for (const id of ["first", "second", "second"]) {
    await world.stop();
    store(id);
    const from = world.log.length;
    await world.start();
    const isNew = world.log.slice(from).some(({ event }) => event === "machine_restarted");
    if (isNew) await world.line(({ event, way }) => event === "refreshed" && way === "full", from);
    await untilState(
      world,
      "acme/app",
      ({ state, queued, running }) => state === "fresh" && !queued && !running,
    );
    starts.push(world.log.slice(from).filter(({ event }) => event === "machine_restarted").length);
  }
  expect(starts).toEqual([1, 1, 0]);
  await world.inStep(repo);
});
