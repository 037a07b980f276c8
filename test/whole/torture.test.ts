import { randomInt } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { KINDS } from "../../tools/torture/kinds/index.js";
import { torture } from "../../tools/torture/run.js";

const SEED = Number(process.env.TEST_SEED ?? randomInt(2 ** 31));
/** A git that talks to nobody has a deadline of two minutes, longer than this test. */
const kinds = KINDS.filter(({ name }) => name !== "frozen-git");

test(`after a minute of faults of every kind nothing is lost and nothing is left (TEST_SEED=${SEED})`, async () => {
  const { rounds, failed } = await torture({
    minutes: 1,
    seed: SEED,
    kinds,
    round: null,
    fileSystem: "ext4",
    onWorld: (world) => onTestFinished(() => world.release({ keepsData: false })),
  });
  expect(failed).toBeNull();
  expect(rounds.length).toBeGreaterThan(0);
}, 900_000);
