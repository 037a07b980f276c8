import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Lockstep, startLockstep } from "../tools/lockstep.js";
import type { Releasers } from "../tools/releasers.js";
import type { StandIn } from "../tools/standin/index.js";
import type { Figures } from "./figures.js";
import { cpuSeconds, peakMemory, resetPeakMemory } from "./process.js";

export const INTERVAL_MS = 10_000;
const API_TOKEN = "token-of-the-benchmark";
/** Clones take at most half of the concurrency. */
const ONBOARD_CONCURRENCY = 16;
/** The sweep is over after this time without a call; then the benchmark asks whether it has ended. */
const QUIET_MS = 1_500;
const SWEEP_TIMEOUT_MS = 120_000;
/** Asking about ten thousand repositories is work for Lockstep too. */
const POLL_MS = 500;

interface Status {
  repositories: Record<string, number>;
  queue: { depth: number };
  backstop: { lastPassAt: string | null };
  github: { limits: { whose: string; limit: number; remaining: number; heldUntil: string | null }[] };
}

/**
 * Clones every repository. A pass each 10 s would use up GitHub's limit meanwhile; with INTERVAL=off the next
 * start would compare every repository once, for what was missed.
 */
export async function onboard(
  standin: StandIn,
  dataDir: string,
  count: number,
  releasers: Releasers,
  report: (done: number) => void,
): Promise<void> {
  const env = { INTERVAL: "24h", CONCURRENCY: String(ONBOARD_CONCURRENCY), API_TOKEN };
  const lockstep = await startLockstep({ standin, dataDir, env });
  releasers.add(() => lockstep.stop());
  for (let done = 0, seen = 0; done < count; ) {
    await sleep(500);
    const { log } = lockstep;
    for (; seen < log.length; seen += 1) if (log[seen]!.result === "cloned") done += 1;
    report(done);
  }
  await until(async () => (await statusOf(lockstep)).queue.depth === 0);
  const { repositories } = await statusOf(lockstep);
  if (repositories.fresh !== count) throw new Error(`not all fresh: ${JSON.stringify(repositories)}`);
  await lockstep.stop();
}

/** Starts Lockstep as in normal operation, with every git that it starts counted. */
export async function startCounted(standin: StandIn, dir: string, releasers: Releasers) {
  const counter = join(dir, "processes");
  const counted = join(dir, "git");
  await writeFile(counter, "");
  await writeFile(counted, `#!/bin/sh\nprintf x >> '${counter}'\nexec git "$@"\n`, { mode: 0o755 });
  const env = { INTERVAL: `${INTERVAL_MS / 1000}s`, GIT_BINARY: counted, API_TOKEN };
  const lockstep = await startLockstep({ standin, dataDir: join(dir, "data"), env });
  releasers.add(() => lockstep.stop());
  return { lockstep, processes: async () => (await readFile(counter)).length };
}

/** Measures the first pass of the backstop that begins after the sweep at the start. */
export async function measureSweep(
  standin: StandIn,
  { lockstep, processes }: Awaited<ReturnType<typeof startCounted>>,
): Promise<Figures> {
  await until(() => isDone(lockstep, 0));
  await sleep(QUIET_MS / 2);
  const times: number[] = [];
  const note = () => void times.push(performance.now());
  standin.clearCounters();
  const { pid } = lockstep;
  const before = { processes: await processes(), cpu: cpuSeconds(pid) };
  resetPeakMemory(pid);
  const since = Date.now();
  standin.on("call", note);
  try {
    await until(async () => times.length > 0 && performance.now() - times.at(-1)! > QUIET_MS);
  } finally {
    standin.off("call", note);
  }
  const figures = {
    restCalls: standin.calls.length,
    gitRequests: standin.gitRequests.length,
    processes: (await processes()) - before.processes,
    seconds: (times.at(-1)! - times[0]!) / 1000,
    cpuSeconds: cpuSeconds(pid) - before.cpu,
    peakMemory: peakMemory(pid),
  };
  if (!(await isDone(lockstep, since))) throw new Error(`the sweep did not end:\n${lockstep.tail()}`);
  return figures;
}

export const statusOf = async (lockstep: Lockstep): Promise<Status> =>
  (await (await lockstep.api("/api/v1/status")).json()) as Status;

/** Whether a pass that began after `since` has listed every repository, and no work of the pass is left. */
async function isDone(lockstep: Lockstep, since: number): Promise<boolean> {
  const { queue, backstop } = await statusOf(lockstep);
  const answer = (await (await lockstep.api("/api/v1/installations")).json()) as {
    installations: { lastListedAt: string | null }[];
  };
  const times = [backstop.lastPassAt, ...answer.installations.map(({ lastListedAt }) => lastListedAt)];
  return queue.depth === 0 && times.every((at) => at !== null && Date.parse(at) > since);
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + SWEEP_TIMEOUT_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${SWEEP_TIMEOUT_MS} ms in vain: ${condition}`);
    await sleep(POLL_MS);
  }
}
