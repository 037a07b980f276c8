import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Lockstep, startLockstep } from "../tools/lockstep.js";
import { mirrorPath } from "../tools/mirror.js";
import { Releasers } from "../tools/releasers.js";
import { Git } from "../tools/standin/git.js";
import { type Repo, startStandIn } from "../tools/standin/index.js";
import { formatMs, median, percentile } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { watchArrivals } from "./load/arrivals.js";
import { type Destination, deliver } from "./load/deliver.js";
import { startUpstream, type Upstream } from "./load/upstream.js";
import {
  childrenCpuSeconds,
  childrenOf,
  cpuSeconds,
  peakMemory,
  resetPeakMemory,
  treeCpuSeconds,
} from "./process.js";
import { type Report, runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:load [-- --repositories 40 --pushes 200 --rates 10,25 --seconds 30]

What a push of one commit of three objects costs in processor time, all of Lockstep's processes together, beside a hook
that runs \`git fetch\` in a mirror of its own on the same push; then lag, processor time and memory at given rates.
Fetches are answered from memory, so that the other side costs little; what it costs stands apart.

  --repositories <n>  default 40
  --pushes <n>        one at a time, each for Lockstep and for the hook, after one to each repository; default 200
  --rates <list>      pushes a second; default 10,25; "none" for none
  --seconds <n>       for each rate; default 30`;

const REF = "refs/heads/main";
const OWNER = "octo-org";
const LONGEST_MS = 120_000;
/** What a push leaves to be done after it is in the mirror must not count for the next. */
const SETTLE_MS = 30;

interface Scene extends Destination {
  upstream: Upstream;
  /** Fetches into the hook's mirror of a repository. */
  hook(repo: Repo): Promise<unknown>;
}

const releasers = new Releasers();

async function setUp(dir: string, count: number): Promise<Scene> {
  const standin = await startStandIn();
  releasers.add(() => standin.close());
  const upstream = await startUpstream(standin);
  releasers.add(() => upstream.close());
  const names = Array.from({ length: count }, (_, n) => `r${n}`);
  const installation = standin.createInstallation(OWNER);
  const repos = await standin.createRepositories(installation, names);
  const dataDir = join(dir, "data");
  const env = { GHE_HOST: upstream.host, INTERVAL: "off", MIN_FREE_DISK: "0", ...settings() };
  const lockstep = await startLockstep({ standin, dataDir, env, readyTimeoutMs: LONGEST_MS });
  releasers.add(() => lockstep.stop());
  progress("cloning …");
  while (lockstep.log.filter(({ event }) => event === "cloned" || event === "refreshed").length < count)
    await sleep(200);
  const mirrors = repos.map(({ name }) => mirrorPath(dataDir, OWNER, name));
  const arrivals = watchArrivals(mirrors, REF);
  releasers.add(() => arrivals.close());
  return {
    standin,
    upstream,
    lockstep,
    repos,
    arrivals,
    hook: await hookFor(dir, upstream, standin.token(installation)),
  };
}

/** What is set for this run reaches Lockstep: DIRECT_FETCH=no npm run bench:load */
const settings = (): Record<string, string> =>
  Object.fromEntries(
    ["GIT_STARTER", "DIRECT_FETCH", "CONCURRENCY"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** @returns a function that runs what a plain hook runs on a push: git fetch in a clone of its own */
async function hookFor(dir: string, { host }: Upstream, token: string): Promise<Scene["hook"]> {
  const git = new Git();
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  const header = `http.extraHeader=Authorization: Basic ${basic}`;
  const known = new Set<number>();
  return async (repo) => {
    const mirror = join(dir, `hook-${repo.id}.git`);
    if (!known.has(repo.id)) {
      known.add(repo.id);
      const url = `http://${host}/${repo.owner}/${repo.name}.git`;
      await git.run(dir, ["-c", header, "clone", "--quiet", "--mirror", url, mirror]);
    }
    return git.run(mirror, ["-c", header, "fetch", "--quiet", "--prune", "origin"]);
  };
}

interface AtRest {
  lags: number[];
  cpuMs: number;
  /** The part of it that is Lockstep's own, without the programs that it runs. */
  nodeCpuMs: number;
  hookCpuMs: number;
}

/** Pushes one at a time; Lockstep and the hook bring each. */
async function measureAtRest(scene: Scene, pushes: number): Promise<AtRest> {
  const { lockstep, upstream, repos, hook } = scene;
  const lags: number[] = [];
  let hookSeconds = 0;
  await sleep(1_000);
  const before = cpuOf(lockstep);
  for (let n = 0; n < pushes; n++) {
    progress(`push ${n + 1} of ${pushes} …`);
    const repo = repos.at(n % repos.length)!;
    const push = await upstream.push(repo);
    const lag = await deliver(scene, push);
    await sleep(SETTLE_MS);
    const children = childrenCpuSeconds(process.pid);
    await hook(repo);
    hookSeconds += childrenCpuSeconds(process.pid) - children;
    lags.push(lag);
  }
  await sleep(1_000);
  const after = cpuOf(lockstep);
  const eachMs = (seconds: number) => (seconds * 1_000) / pushes;
  return {
    lags,
    cpuMs: eachMs(after.all - before.all),
    nodeCpuMs: eachMs(after.node - before.node),
    hookCpuMs: eachMs(hookSeconds),
  };
}

/** While nothing is brought, the only process below Lockstep is the one that starts git. */
function cpuOf({ pid }: Lockstep): { all: number; node: number } {
  const node = cpuSeconds(pid) + childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), 0);
  return { all: treeCpuSeconds(pid), node };
}

interface AtRate {
  rate: number;
  lags: number[];
  cpuMs: number;
  /** Of the other side and of this program, for each push. */
  othersCpuMs: number;
  /** The part of the machine's processors that Lockstep used, in processors. */
  processors: number;
  peakBytes: number;
}

/** Pushes at a steady rate, whatever has become of earlier pushes. */
async function measureAtRate(scene: Scene, rate: number, seconds: number): Promise<AtRate> {
  const { lockstep, upstream, repos } = scene;
  resetPeakMemory(lockstep.pid);
  const pushes = Math.round(rate * seconds);
  const [before, own, began] = [treeCpuSeconds(lockstep.pid), process.cpuUsage(), performance.now()];
  const under: Promise<number>[] = [];
  for (let n = 0; n < pushes; n++) {
    const waitMs = began + (n * 1_000) / rate - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    if (n % rate === 0) progress(`${rate} pushes a second: ${n} of ${pushes} …`);
    const lag = deliver(scene, await upstream.push(repos[n % repos.length]!));
    lag.catch(() => {}); // It is awaited below.
    under.push(lag);
  }
  const lags = await Promise.all(under);
  await sleep(1_000);
  const took = (performance.now() - began) / 1_000;
  const [used, others] = [treeCpuSeconds(lockstep.pid) - before, process.cpuUsage(own)];
  return {
    rate,
    lags,
    cpuMs: (used * 1_000) / pushes,
    othersCpuMs: (others.user + others.system) / 1_000 / pushes,
    processors: used / took,
    peakBytes: peakMemory(lockstep.pid),
  };
}

const MIB = 2 ** 20;

function summaryOf({ firsts, rest }: { firsts: AtRest; rest: AtRest }, loads: AtRate[]) {
  const spread = (all: number[]) => ({ p50: median(all), p99: percentile(all, 0.99) });
  const alone = ({ lags, ...cpu }: AtRest) => ({
    pushes: lags.length,
    ...spread(lags),
    ...cpu,
    ratio: cpu.cpuMs / cpu.hookCpuMs,
  });
  return {
    firsts: alone(firsts),
    atRest: alone(rest),
    atRates: loads.map(({ lags: all, ...rest }) => ({ ...rest, pushes: all.length, ...spread(all) })),
  };
}

function show(report: Report, { firsts, atRest, atRates }: ReturnType<typeof summaryOf>): void {
  const row = (way: string, { cpuMs, nodeCpuMs, ratio, p50, p99 }: typeof atRest) => [
    way,
    `${formatMs(cpuMs)} (${ratio.toFixed(2)}×)`,
    formatMs(cpuMs - nodeCpuMs),
    formatMs(p50),
    formatMs(p99),
  ];
  const { hookCpuMs } = atRest;
  const cells = [
    ["", "processor time a push", "of it git", "lag p50", "p99"],
    row("Lockstep", atRest),
    row("Lockstep, the first push after a clone", firsts),
    ["a hook that runs git fetch", formatMs(hookCpuMs), formatMs(hookCpuMs), "", ""],
  ];
  report.table(cells, `${atRest.pushes} pushes, one at a time`);
  if (atRates.length === 0) return;
  const heading = [
    "pushes/s",
    "lag p50",
    "p99",
    "processor time a push",
    "processors",
    "of the other side",
    "memory",
  ];
  const rows = atRates.map((it) => [
    String(it.rate),
    formatMs(it.p50),
    formatMs(it.p99),
    formatMs(it.cpuMs),
    it.processors.toFixed(2),
    formatMs(it.othersCpuMs),
    `${Math.round(it.peakBytes / MIB)} MiB`,
  ]);
  report.table([heading, ...rows], "Pushes at a steady rate");
}

runBench(releasers, {
  help: HELP,
  options: {
    repositories: { type: "string", default: "40" },
    pushes: { type: "string", default: "200" },
    rates: { type: "string", default: "10,25" },
    seconds: { type: "string", default: "30" },
  },
  async measure(values, report) {
    const scene = await setUp(await workDir(releasers), Number(values.repositories));
    // The hook's mirrors are cloned from the stand-in, before anything is pushed.
    for (const repo of scene.repos) await scene.hook(repo);
    const firsts = await measureAtRest(scene, scene.repos.length);
    const rest = await measureAtRest(scene, Number(values.pushes));
    const rates = values.rates === "none" ? [] : values.rates.split(",").map(Number);
    const loads: AtRate[] = [];
    for (const rate of rates) loads.push(await measureAtRate(scene, rate, Number(values.seconds)));
    const summary = summaryOf({ firsts, rest }, loads);
    show(report, summary);
    return summary;
  },
});
