import { randomInt } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { KINDS } from "../../tools/torture/kinds/index.js";
import { torture } from "../../tools/torture/run.js";

const SEED = Number(process.env.TEST_SEED ?? randomInt(2 ** 31));
/** Kinds after which Lockstep is in step within seconds: nothing has to wait for a time-out or for the backstop. */
const QUICK = [
  "kill-9-after-202",
  "kill-9",
  "stop",
  "kill-git",
  "lost-deliveries",
  "late-deliveries",
  "doubled-deliveries",
  "reordered-deliveries",
  "damaged-ref",
  "damaged-packed-refs",
  "damaged-marker",
  "leftovers",
  "lost-mirrors",
  "upstream-truncates",
  "api-html",
];
/** Every round has a limit of its own, so this one only ends a test that hangs. */
const TIMEOUT_MS = 1_800_000;

test(
  `after a minute of faults nothing is lost and nothing is left (TEST_SEED=${SEED})`,
  async () => {
    const kinds = KINDS.filter(({ name }) => QUICK.includes(name));
    expect(kinds).toHaveLength(QUICK.length);
    const { rounds, failed } = await torture({
      minutes: 1,
      seed: SEED,
      kinds,
      round: null,
      fileSystem: null,
      cut: null,
      onWorld: (world) => onTestFinished(() => world.release({ keepsData: false })),
    });
    expect(failed).toBeNull();
    expect(rounds.length).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
