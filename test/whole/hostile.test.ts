import { randomInt } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { ATTACKS } from "../../tools/hostile/attacks/index.js";
import { CROWDS } from "../../tools/hostile/crowds/index.js";
import { hostile } from "../../tools/hostile/run.js";

const SEED = Number(process.env.TEST_SEED ?? randomInt(2 ** 31));
const REQUESTS = 1_500;
const CLIENTS: Record<string, number> = { "idle-streams": 50, waiters: 100, "slow-clients": 20 };
/** A machine that stands still for a while is no fault; the full form has the documented limit of a second. */
const HEALTH_MS = 60_000;
/** Every request has a limit of its own, so this one only ends a test that hangs. */
const TIMEOUT_MS = 600_000;

test(
  `Lockstep withstands hostile requests, and genuine pushes arrive (TEST_SEED=${SEED})`,
  async () => {
    const { faults, sent, lags } = await hostile({
      requests: REQUESTS,
      seed: SEED,
      attacks: ATTACKS,
      crowds: CROWDS.map((crowd) => ({ ...crowd, size: CLIENTS[crowd.name]! })),
      share: 1,
      request: null,
      healthMs: HEALTH_MS,
      onWorld: (world) => onTestFinished(() => world.release()),
    });
    expect(faults).toEqual([]);
    expect([...sent.keys()].sort()).toEqual(ATTACKS.map(({ name }) => name).sort());
    expect([...sent.values()].reduce((sum, count) => sum + count, 0)).toBe(REQUESTS);
    expect(lags.length).toBeGreaterThan(1);
  },
  TIMEOUT_MS,
);
