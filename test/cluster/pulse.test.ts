import { expect, onTestFinished, test } from "vitest";
import { createPulse } from "../../src/cluster/pulse.js";
import { createSeal } from "../../src/cluster/seal.js";

type Ports = Parameters<typeof createPulse>[0];

test("Redis counts as away after two beats that fail, not after a single one", async () => {
  const arrives = [true, false, true, false, false];
  const seen: boolean[] = [];
  let done = () => {};
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const said = [1, {}, null].map((value) => [null, value]);
  const answers = { hset: () => answers, hgetall: () => answers, get: () => answers, exec: async () => said };
  const pulse = createPulse({
    redis: {
      async set() {
        seen.push(pulse.state().isBeating);
        if (seen.length > arrives.length) done();
        if (!arrives[seen.length - 1]) throw new Error("Command timed out");
        return "OK";
      },
      get: async () => null,
      pipeline: () => answers,
    } as unknown as Ports["redis"],
    prefix: "lockstep:1",
    seal: createSeal({ secret: "the secret of all nodes", cluster: "test" }),
    self: { name: "a" } as Ports["self"],
    members: { take() {}, get: () => null } as unknown as Ports["members"],
    ...{ deadMs: 10_000, paceMs: 1, now: Date.now },
  });
  onTestFinished(pulse.stop);
  await pulse.start();
  await all;
  expect(seen.slice(0, 6)).toEqual([false, true, true, true, true, false]);
});
