import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../random.js";
import { faultsOf, refFaults, rememberTips } from "./check.js";
import type { Kind } from "./kind.js";
import { changes } from "./traffic.js";
import type { World } from "./world.js";

export interface Round {
  number: number;
  kind: string;
  /** From the end of the fault until every ref of every mirror is GitHub's. */
  recoveryMs: number;
  /** What the fault was, in detail. */
  notes: string[];
  /** What was still wrong when the patience ended; empty when the round is good. */
  faults: string[];
}

/**
 * A held resource, an outage's probe and a retry's wait end within this time, and so does the deadline of a frozen git that
 * does not talk to GitHub.
 */
const PATIENCE_MS = 300_000;
const LOOK_EVERY_MS = 100;
const CHECK_EVERY_MS = 250;
/** Seeds of neighbouring rounds are far from each other. */
const STRIDE = 7_919;

export const randomOf = (seed: number, round: number): Random => new Random(seed + round * STRIDE);

/** Pushes, a fault, pushes during the fault, the end of the fault, and the check of everything. */
export async function runRound(
  world: World,
  kind: Kind,
  { seed, number }: { seed: number; number: number },
): Promise<Round> {
  const random = randomOf(seed, number);
  world.notes.length = 0;
  if (!kind.isAlone) await changes(world, random, 1 + random.below(3));
  const undo = await kind.inflict(world, random);
  if (!kind.isAlone) await changes(world, random, 1 + random.below(3));
  await undo();
  if (!world.isRunning) await world.start();
  if (kind.mayLose?.includes("deliveries")) world.acknowledged.clear();
  if (kind.mayLose?.includes("history")) world.proven.clear();
  const endedAt = performance.now();
  const recoveryMs = await untilInStep(world, endedAt);
  const faults = await untilSound(world, endedAt);
  if (faults.length === 0) await rememberTips(world);
  return { number, kind: kind.name, recoveryMs, faults, notes: [...world.notes] };
}

/** No further delivery is sent while this waits. @returns the time since `from`, also when the patience ended */
async function untilInStep(world: World, from: number): Promise<number> {
  while ((await refFaults(world)).length > 0 && isPatient(from)) await sleep(LOOK_EVERY_MS);
  return performance.now() - from;
}

async function untilSound(world: World, from: number): Promise<string[]> {
  await world.arrived();
  for (;;) {
    const faults = await faultsOf(world);
    if (faults.length === 0 || !isPatient(from)) return faults;
    await sleep(CHECK_EVERY_MS);
  }
}

const isPatient = (from: number): boolean => performance.now() - from < PATIENCE_MS;
