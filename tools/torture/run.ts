import type { Lockstep } from "../lockstep.js";
import { refFaults } from "./check.js";
import type { Kind } from "./kind.js";
import { unmetNeeds, whyNot } from "./needs.js";
import { type Round, randomOf, runRound } from "./round.js";
import type { FileSystem } from "./volume.js";
import { type Start, World } from "./world.js";

/** The first round that went wrong ends the run. */
export interface Failure {
  round: Round;
  /** The end of Lockstep's log. */
  log: string;
  dataDir: string;
}

export interface Outcome {
  rounds: Round[];
  skipped: { kind: string; reason: string }[];
  /** How often each answer to a delivery came; 0: Lockstep could not be reached. */
  answers: Map<number, number>;
  failed: Failure | null;
}

export interface RunOptions {
  minutes: number;
  seed: number;
  kinds: Kind[];
  /** Null: all rounds until the time is over. */
  round: number | null;
  /** For root; null, and for everybody else: an ordinary directory. */
  fileSystem: FileSystem | null;
  /** Where the sweep of power cuts begins; null: at the first call. */
  cut: Start | null;
  report?(round: Round): void;
  /** Hears of the world as soon as there is one, to release it when the process is ended. */
  onWorld?(world: World): void;
}

const MINUTE_MS = 60_000;
/** A busy machine clones slowly. */
const CLONED_MS = 300_000;
const LOG_LINES = 60;

/** Runs rounds until the time is over, or one fails. The data of a failed round stays on the disk. */
export async function torture(options: RunOptions): Promise<Outcome> {
  const unmet = unmetNeeds();
  const reasons = options.kinds.map((kind) => ({ kind: kind.name, reason: whyNot(kind, unmet) }));
  const skipped = reasons.flatMap(({ kind, reason }) => (reason === null ? [] : [{ kind, reason }]));
  const kinds = options.kinds.filter((kind) => whyNot(kind, unmet) === null);
  const world = await World.create({
    fileSystem: unmet.root === null ? options.fileSystem : null,
    cut: options.cut,
    isSmall: kinds.every(({ isAlone }) => isAlone),
  });
  options.onWorld?.(world);
  const rounds: Round[] = [];
  let failed: Failure | null = null;
  try {
    await world.start();
    await world.until("the first clones", async () => (await refFaults(world)).length === 0, CLONED_MS);
    const deadline = performance.now() + options.minutes * MINUTE_MS;
    for (let number = options.round ?? 1; kinds.length > 0 && failed === null; number += 1) {
      const round = await oneRound(world, kindOf(kinds, options.seed, number), { ...options, number });
      rounds.push(round);
      options.report?.(round);
      if (round.faults.length > 0) failed = failure(world, round);
      if (options.round !== null || performance.now() > deadline) break;
      if (kinds.every((kind) => kind.isComplete?.(world))) break;
    }
  } finally {
    await world.release({ keepsData: failed !== null });
  }
  return { rounds, skipped, answers: world.answers, failed };
}

/** Each kind has its turn before one comes again. */
function kindOf(kinds: Kind[], seed: number, number: number): Kind {
  const cycle = Math.floor((number - 1) / kinds.length);
  return randomOf(seed, -1 - cycle).shuffled(kinds)[(number - 1) % kinds.length]!;
}

/** An error of the round itself, such as a Lockstep that does not start, is a fault as well. */
async function oneRound(world: World, kind: Kind, at: { seed: number; number: number }): Promise<Round> {
  try {
    return await runRound(world, kind, at);
  } catch (error) {
    const faults = [(error as Error).stack ?? String(error)];
    return { number: at.number, kind: kind.name, recoveryMs: Number.NaN, faults, notes: [...world.notes] };
  }
}

const failure = (world: World, round: Round): Failure => ({
  round,
  log: world.isRunning ? lastOf(world.lockstep) : "",
  dataDir: world.dataDir,
});

/** Returns the end of Lockstep's own log; Probot logs each HTTP request as well. */
const lastOf = ({ log }: Lockstep): string =>
  log
    .filter(({ event }) => event !== undefined)
    .slice(-LOG_LINES)
    .map((line) => JSON.stringify(line))
    .join("\n");
