import { setTimeout as sleep } from "node:timers/promises";
import PQueue from "p-queue";
import { Random } from "../random.js";
import type { Attack } from "./attack.js";
import type { Crowd, Gathered } from "./crowd.js";
import { effectsOn, stateOf } from "./effects.js";
import { faultOf } from "./judge.js";
import { KeptConnection } from "./kept.js";
import { planOf } from "./plan.js";
import { Pushes } from "./pushes.js";
import { addressOf, exchange } from "./send.js";
import type { Target } from "./target.js";
import { descriptorsOf, MIB, residentBytes, Vitals } from "./vitals.js";
import { World } from "./world.js";

export interface RunOptions {
  requests: number;
  seed: number;
  attacks: Attack[];
  crowds: Crowd[];
  /** How much of each crowd's full size comes, from 0 to 1. */
  share: number;
  /** Null: every request; else the number of the only one. */
  request: number | null;
  /** The longest that /healthz may take, in milliseconds. */
  healthMs: number;
  report?(progress: Progress): void;
  /** Hears of the world as soon as there is one, to release it when the process is ended. */
  onWorld?(world: World): void;
}

export interface Progress {
  /** How many requests have ended. */
  done: number;
  faults: number;
}

export interface Outcome {
  /** How many requests of each kind were sent. */
  sent: Map<string, number>;
  /** How often each answer came; 0: the connection ended without one. */
  answers: Map<number, number>;
  /** What the crowds were at the end, a line each. */
  crowds: string[];
  seconds: number;
  worstHealthMs: number;
  /** The same, without the time for which the machine had no processor for Lockstep. */
  worstOwnHealthMs: number;
  baseBytes: number;
  peakBytes: number;
  boundBytes: number;
  /** From the delivery of each genuine push until it was in the mirror, in milliseconds. */
  lags: number[];
  faults: string[];
  /** What Lockstep's log tells of a failed run. */
  log: string;
}

const AT_A_TIME = 32;
/** Node accepts one connection in each turn of its event loop, so more at a time would only wait. */
const alone = new PQueue({ concurrency: 12 });
const REPORT_EVERY = 500;
/** Bodies take at most 256 MiB, and Node gives memory back late; docs/security.md. */
const BODIES_BYTES = (256 + 128) * MIB;
/** A connection with a call that waits takes some 30 KiB of Node's own and of the API's. */
const CONNECTION_BYTES = 48 * 1_024;
const CLOSED_MS = 60_000;
/** Connections to GitHub stay open for a while, and are not the attackers'. */
const MORE_DESCRIPTORS = 20;
const MOST_FAULTS = 100;
const ERROR_LEVEL = 50;
const LOG_LINES = 15;

/** Attacks Lockstep in every way at once, and checks that it withstands. */
export async function hostile(options: RunOptions): Promise<Outcome> {
  const world = await World.create();
  options.onWorld?.(world);
  try {
    return await attacked(world, options);
  } finally {
    await world.release();
  }
}

async function attacked(world: World, options: RunOptions): Promise<Outcome> {
  const { lockstep } = world;
  const target = await world.prepare();
  const before = await stateOf(world);
  const logged = lockstep.log.length;
  const descriptors = descriptorsOf(lockstep.pid);
  const baseBytes = residentBytes(lockstep.pid);
  const startedAt = performance.now();
  const vitals = new Vitals(lockstep.pid, lockstep.url);
  const pushes = new Pushes(world);
  const run = emptyRun();
  const clients = options.crowds.reduce((sum, { size }) => sum + sizeOf(size, options.share), 0);
  try {
    pushes.start();
    const gathered = await gather(target, options);
    await sendAll(target, options, run);
    run.crowds = gathered.map(({ name, crowd }) => `${name}: ${crowd.describe()}`);
    for (const { crowd } of gathered) crowd.leave();
    await pushes.end();
    run.faults.push(...(await descriptorFaults(lockstep.pid, descriptors)));
    await pushes.push();
  } finally {
    vitals.end();
  }
  const boundBytes = baseBytes + BODIES_BYTES + clients * CONNECTION_BYTES;
  run.faults.push(
    ...pushes.faults,
    ...vitals.faults(options.healthMs),
    ...memoryFaults(vitals.peakBytes, boundBytes),
  );
  run.faults.push(...logFaults(world, logged), ...(await effectsOn(world, before)));
  return {
    ...run,
    seconds: (performance.now() - startedAt) / 1_000,
    worstHealthMs: vitals.worstHealthMs,
    worstOwnHealthMs: vitals.worstOwnHealthMs,
    baseBytes,
    peakBytes: vitals.peakBytes,
    boundBytes,
    lags: pushes.lags,
    log: telling(world, logged),
  };
}

type Run = Pick<Outcome, "sent" | "answers" | "crowds" | "faults">;

const emptyRun = (): Run => ({ sent: new Map(), answers: new Map(), crowds: [], faults: [] });

const sizeOf = (size: number, share: number): number => Math.ceil(size * share);

async function gather(
  target: Target,
  { crowds, share, seed }: RunOptions,
): Promise<{ name: string; crowd: Gathered }[]> {
  const found: { name: string; crowd: Gathered }[] = [];
  for (const { name, size, gather: come } of crowds)
    found.push({ name, crowd: await come(target, sizeOf(size, share), new Random(seed)) });
  return found;
}

/** Sends every request, some at a time. */
async function sendAll(target: Target, options: RunOptions, run: Run): Promise<void> {
  const { attacks, requests, request } = options;
  const numbers = request === null ? Array.from({ length: requests }).keys() : [request].values();
  const plan = planOf(attacks, options.seed);
  let done = 0;
  const worker = async (_: unknown, index: number): Promise<void> => {
    const random = new Random(options.seed + index);
    const kept = new KeptConnection(() => ({ port: target.port, from: addressOf(random) }));
    for (const number of numbers) {
      if (run.faults.length >= MOST_FAULTS) break;
      await sendOne(target, { kept, planned: plan(number) }, run);
      done += 1;
      if (done % REPORT_EVERY === 0) options.report?.({ done, faults: run.faults.length });
    }
    kept.close();
  };
  if (attacks.length > 0) await Promise.all(Array.from({ length: AT_A_TIME }).map(worker));
}

interface Sending {
  kept: KeptConnection;
  planned: ReturnType<ReturnType<typeof planOf>>;
}

async function sendOne(target: Target, { kept, planned }: Sending, run: Run): Promise<void> {
  const { attack, number, random } = planned;
  const attempt = attack.make(target, planned);
  const reply =
    attempt.ending === "keep"
      ? await kept.exchange(attempt.bytes)
      : await alone.add(() =>
          exchange({ port: attempt.port ?? target.port, from: addressOf(random) }, attempt),
        );
  count(run.sent, attack.name);
  for (const status of reply.statuses.length > 0 ? reply.statuses : [0]) count(run.answers, status);
  const fault = faultOf(attempt, reply, target);
  if (fault !== null) run.faults.push(`request ${number} (${attack.name}): ${fault}`);
}

const count = <T>(counts: Map<T, number>, key: T): Map<T, number> =>
  counts.set(key, (counts.get(key) ?? 0) + 1);

const memoryFaults = (peak: number, bound: number): string[] =>
  peak <= bound ? [] : [`the process took ${inMib(peak)}, and the bound is ${inMib(bound)}`];

export const inMib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;

/** Waits until the connections of the attackers are closed at Lockstep's side, too. */
async function descriptorFaults(pid: number, before: number): Promise<string[]> {
  const deadline = performance.now() + CLOSED_MS;
  let now = descriptorsOf(pid);
  while (now > before + MORE_DESCRIPTORS && performance.now() < deadline) {
    await sleep(100);
    now = descriptorsOf(pid);
  }
  return now > before + MORE_DESCRIPTORS ? [`${now} descriptors are open; before, it were ${before}`] : [];
}

/** Returns what Lockstep's own log has of the traps, and its end; Probot logs each HTTP request as well. */
function telling({ lockstep, traps }: World, from: number): string {
  const lines = lockstep.log.slice(from).filter(({ event }) => event !== undefined);
  const names = traps.map(({ owner, name }) => `${owner}/${name}`);
  const about = lines.filter(({ repository }) => names.includes(String(repository))).slice(0, LOG_LINES);
  return [...about, ...lines.slice(-LOG_LINES)].map((line) => JSON.stringify(line)).join("\n");
}

/** Lines without a level are node's own: warnings, and errors that nobody caught. */
function logFaults({ lockstep }: World, from: number): string[] {
  const bad = lockstep.log.slice(from).filter(({ level = ERROR_LEVEL }) => level >= ERROR_LEVEL);
  return bad.slice(0, MOST_FAULTS).map((line) => `in the log: ${JSON.stringify(line).slice(0, 2_000)}`);
}
