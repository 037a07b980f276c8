import { expect, onTestFinished, test } from "vitest";
import { effectsOn, stateOf } from "../../../tools/hostile/effects.js";
import { World } from "../../../tools/hostile/world.js";
import { waitForTip } from "../../../tools/mirror.js";

test("the check of effects reports each change that somebody unverified could make", async () => {
  const world = await World.create();
  onTestFinished(() => world.release());
  await world.prepare();
  const before = await stateOf(world);
  const effects = () => effectsOn(world, before);
  expect(await effects()).toEqual([]);

  const [quiet, paused, held] = world.traps;
  await world.post("/api/v1/repos/acme/paused/resume");
  await world.post("/api/v1/repos/acme/quiet/refresh");
  for (const repo of [quiet!, paused!])
    await waitForTip(
      world.mirrorOf(repo),
      "refs/heads/main",
      await world.standin.tip(repo, "refs/heads/main"),
    );
  await expect.poll(async () => (await world.repository(paused!)).state).toBe("fresh");
  const found = await effects();
  for (const part of ["state of paused", "refs of paused", "refs of quiet"])
    expect(
      found.filter((fault) => fault.startsWith(`${part}: `)),
      part,
    ).toHaveLength(1);
  expect(found.filter((fault) => fault.includes(held!.name))).toEqual([]);

  const push = await world.standin.commit(world.live, "main");
  await world.standin.deliver(push, { to: world.lockstep.webhookUrl, id: "unsigned-1" });
  await waitForTip(world.mirrorOf(world.live), push.ref, push.after);
  expect(await effects()).toContain("the delivery unsigned-1 was accepted");
});
