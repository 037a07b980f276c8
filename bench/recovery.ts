import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Lockstep, startLockstep } from "../tools/lockstep.js";
import { mirrorPath, waitForTip } from "../tools/mirror.js";
import { Releasers } from "../tools/releasers.js";
import { type Repo, type StandIn, startStandIn } from "../tools/standin/index.js";
import { formatMs, median, percentile } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { type Report, runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:recovery [-- --deliveries 50000 --repositories 500 --pushes 20]

What it costs to catch up with the deliveries of an outage, and what DELIVERIES=pull costs: API calls an hour,
and how long a push takes until the mirror has it.`;

const TOKEN = "token-of-the-bench-0123456789";
const PATIENCE_MS = 600_000;
const releasers = new Releasers();

interface Status {
  deliveries: { lastReadAt: string | null };
  queue: { depth: number };
  repositories: Record<string, number>;
}

runBench(releasers, {
  help: HELP,
  options: {
    deliveries: { type: "string", default: "50000" },
    repositories: { type: "string", default: "500" },
    pushes: { type: "string", default: "20" },
  },
  async measure(values, report) {
    const dir = await workDir(releasers);
    const [deliveries, repositories] = [Number(values.deliveries), Number(values.repositories)];
    return {
      outage: await outage(report, { dir: join(dir, "outage"), count: deliveries, size: repositories }),
      pull: await pull(report, { dir: join(dir, "pull"), pushes: Number(values.pushes) }),
    };
  },
});

async function start(standin: StandIn, dataDir: string, env: Record<string, string>): Promise<Lockstep> {
  const lockstep = await startLockstep({ standin, dataDir, env: { API_TOKEN: TOKEN, ...env } });
  releasers.add(() => lockstep.stop());
  return lockstep;
}

async function until(lockstep: Lockstep, fits: (status: Status) => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const status = (await (await lockstep.api("/api/v1/status")).json()) as Status;
    if (fits(status)) return;
    await sleep(100);
  }
  throw new Error(`Lockstep was not done in ${PATIENCE_MS} ms:\n${lockstep.tail()}`);
}

interface Outage {
  dir: string;
  /** Deliveries that are missed. */
  count: number;
  /** Repositories. */
  size: number;
}

async function outage(report: Report, { dir, count, size }: Outage) {
  const standin = await startStandIn();
  releasers.add(() => standin.close());
  const installation = standin.createInstallation("octo-org");
  const names = Array.from({ length: size }, (_, index) => `repo-${index}`);
  const repos = await standin.createRepositories(installation, names);
  progress(`cloning ${size} repositories …`);
  const env = { INTERVAL: "1h" };
  let lockstep = await start(standin, dir, env);
  await until(lockstep, ({ repositories, queue }) => repositories.fresh === size && queue.depth === 0);
  await lockstep.stop();
  const now = Date.now();
  standin.deliveries.bulk(count, (index) => ({
    event: "push",
    deliveredAt: new Date(now + index),
    repositoryId: repos[index % size]!.id,
    installationId: installation.id,
  }));
  standin.clearCounters();
  const startedAt = performance.now();
  lockstep = await start(standin, dir, env);
  progress(`reading ${count} deliveries …`);
  await until(lockstep, ({ deliveries }) => deliveries.lastReadAt !== null);
  const readMs = performance.now() - startedAt;
  const listed = standin.calls.filter(({ path }) => path.includes("/app/hook/deliveries")).length;
  await until(lockstep, ({ queue }) => queue.depth === 0);
  const freshMs = performance.now() - startedAt;
  const refreshed = lockstep.log.filter(({ event }) => event === "refreshed").length;
  const rows = [
    ["log read", "all compared", "calls for the log", "calls in all", "refreshes", "peak memory"],
    [
      formatMs(readMs),
      formatMs(freshMs),
      String(listed),
      String(standin.calls.length),
      String(refreshed),
      peakMemory(lockstep),
    ],
  ];
  report.table(rows, `${count} deliveries missed, of ${size} repositories, from the start of the process on`);
  await lockstep.stop();
  await standin.close();
  return { readMs, freshMs, refreshed };
}

async function pull(report: Report, { dir, pushes }: { dir: string; pushes: number }) {
  const standin = await startStandIn();
  releasers.add(() => standin.close());
  standin.strictClock = true;
  const repo = await standin.createRepository("octo-org", "upstream");
  await start(standin, dir, { DELIVERIES: "pull", WEBHOOK_SECRET: "" });
  const mirror = mirrorPath(dir, repo.owner, repo.name);
  await waitForTip(mirror, "refs/heads/main", await standin.tip(repo, "refs/heads/main"), PATIENCE_MS);
  standin.clearCounters();
  const startedAt = performance.now();
  const delays: number[] = [];
  for (let n = 0; n < pushes; n += 1) {
    progress(`push ${n + 1} of ${pushes} …`);
    delays.push(await pushAndWait(standin, repo, mirror));
    // Pushes arrive at any time between two readings.
    await sleep((n * 3_700) % 10_000);
  }
  const hours = (performance.now() - startedAt) / 3_600_000;
  const lists = standin.calls.filter(({ path }) => path.includes("/app/hook/deliveries?")).length;
  const rows = [
    ["median delay", "p95", "readings an hour", "calls in all an hour", "calls a push"],
    [
      formatMs(median(delays)),
      formatMs(percentile(delays, 0.95)),
      ...[Math.round(lists / hours), Math.round(standin.calls.length / hours)].map(String),
      ((standin.calls.length - lists) / pushes).toFixed(1),
    ],
  ];
  report.table(rows, `DELIVERIES=pull, PULL_INTERVAL=10s, ${pushes} pushes`);
  return { medianMs: median(delays), p95Ms: percentile(delays, 0.95) };
}

async function pushAndWait(standin: StandIn, repo: Repo, mirror: string): Promise<number> {
  const push = await standin.commit(repo, "main");
  const at = performance.now();
  await standin.deliver(push, {});
  return (await waitForTip(mirror, push.ref, push.after, PATIENCE_MS)) - at;
}

/** Returns the most memory that the process ever held. proc(5): VmHWM */
function peakMemory(lockstep: Lockstep): string {
  const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${lockstep.pid}/status`, "utf8"))?.[1];
  return `${Math.round(Number(kib) / 1024)} MiB`;
}
