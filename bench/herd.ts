import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, type Lockstep, startLockstep } from "../tools/lockstep.js";
import { mirrorPath } from "../tools/mirror.js";
import { Releasers } from "../tools/releasers.js";
import { startStandIn } from "../tools/standin/index.js";
import { formatMs, median } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { BRANCHES, branchOf, writeHistory } from "./history.js";
import { childrenCpuSeconds, cpuSeconds, peakMemory } from "./process.js";
import { askForPack, requestOf } from "./reader.js";
import { type Report, runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:herd [-- --clients 200] [--size 100] [--rounds 3]

What git costs when many clients ask Lockstep for depth 1 of one commit of a large history at once: its CPU, user and system,
by /proc. The ratio is to one client that asks alone. The commit is the tip of a branch, or one that its branch has left behind. In the
same run plain upload-pack is measured, one process for each client; ten of them, because two hundred take minutes.

  --clients N  how many ask at once
  --size N     megabytes of history; one commit has about 12 of them
  --rounds N   how often everything is measured; the figures are medians`;

/** Each round takes two branches. */
const MAX_ROUNDS = 9;
const PLAIN_CLIENTS = 10;
/** The requirement: git's CPU for all of them, to that for one. */
const MOST = 1.3;
const API_TOKEN = "token-of-the-benchmark-0123456789";
const OWNER = "octo-org";
const NAME = "large";

interface Measured {
  wallMs: number;
  /** Of git, in seconds. */
  gitCpu: number;
  /** Of Lockstep itself, in seconds. */
  ownCpu: number;
}

const releasers = new Releasers();
runBench(releasers, {
  help: HELP,
  options: {
    clients: { type: "string", default: "200" },
    size: { type: "string", default: "100" },
    rounds: { type: "string", default: "3" },
  },
  async measure(values, report) {
    const clients = Number(values.clients);
    const count = Math.min(Number(values.rounds), MAX_ROUNDS);
    const { lockstep, ask, tips, behind, mirror } = await setUp(Number(values.size));
    // Every measurement has another commit, because answers are kept for 5 minutes.
    const herd = (count: number, commits: string[]) => {
      const commit = commits.pop()!;
      return measured(lockstep.pid, async () => {
        const all = await Promise.allSettled(Array.from({ length: count }, () => ask(commit)));
        const failed = all.filter((it) => it.status === "rejected");
        if (failed.length > 0)
          throw new Error(`${failed.length} answers failed, first: ${failed[0]!.reason}\n${lockstep.tail()}`);
      });
    };
    const plain = (count: number) =>
      measured(process.pid, async () => {
        await Promise.all(Array.from({ length: count }, () => uploadPack(mirror, tips[0]!)));
      });
    // The first request reads the history from disk.
    await herd(1, tips);
    const rounds: Rounds = { one: [], tip: [], oneBehind: [], behind: [], plainOne: [], plainMany: [] };
    for (let round = 1; round <= count; round++) {
      progress(`round ${round} of ${count} …`);
      rounds.one.push(await herd(1, tips));
      rounds.tip.push(await herd(clients, tips));
      rounds.oneBehind.push(await herd(1, behind));
      rounds.behind.push(await herd(clients, behind));
      rounds.plainOne.push(await plain(1));
      rounds.plainMany.push(await plain(PLAIN_CLIENTS));
    }
    const ratios = {
      tip: cpuOf(rounds.tip) / cpuOf(rounds.one),
      behind: cpuOf(rounds.behind) / cpuOf(rounds.oneBehind),
    };
    const peak = peakMemory(lockstep.pid);
    show(report, clients, rounds, peak);
    const worst = Math.max(ratios.tip, ratios.behind);
    if (worst > MOST)
      throw new Error(`git's CPU is ${worst.toFixed(2)} times that of one client, not ${MOST}`);
    return { clients, cores: cpus().length, peakMemory: peak, ratios, rounds };
  },
});

type Rounds = Record<"one" | "tip" | "oneBehind" | "behind" | "plainOne" | "plainMany", Measured[]>;

const cpuOf = (rounds: Measured[]) => median(rounds.map(({ gitCpu }) => gitCpu));

function show(report: Report, clients: number, rounds: Rounds, peak: number): void {
  const row = (name: string, count: number, own: Measured[], base: Measured[]) => [
    name,
    String(count),
    formatMs(median(own.map(({ wallMs }) => wallMs))),
    `${cpuOf(own).toFixed(2)} s`,
    `${(cpuOf(own) / cpuOf(base)).toFixed(2)}×`,
    `${median(own.map(({ ownCpu }) => ownCpu)).toFixed(2)} s`,
  ];
  const { one, tip, oneBehind, behind, plainOne, plainMany } = rounds;
  const rows = [
    ["depth 1 of one commit", "clients", "wall", "git's CPU", "to one", "CPU besides"],
    row("Lockstep, a tip", 1, one, one),
    row("Lockstep, a tip", clients, tip, one),
    row("Lockstep, behind a tip", 1, oneBehind, oneBehind),
    row("Lockstep, behind a tip", clients, behind, oneBehind),
    row("upload-pack each", 1, plainOne, plainOne),
    row("upload-pack each", PLAIN_CLIENTS, plainMany, plainOne),
  ];
  report.table(rows);
  const all = (cpuOf(plainMany) / PLAIN_CLIENTS) * clients;
  report.text(`upload-pack for each of ${clients} clients would take ${all.toFixed(0)} s of git's CPU`);
  report.text(`Lockstep's memory: ${(peak / 2 ** 20).toFixed(0)} MiB at most`);
}

async function setUp(megabytes: number) {
  const dir = await workDir(releasers);
  const from = join(dir, "history.git");
  progress(`writing ${megabytes} MB of history …`);
  await writeHistory(from, megabytes);
  const standin = await startStandIn({ dir: join(dir, "standin") });
  releasers.add(() => standin.close());
  const repo = await standin.createRepository(OWNER, NAME, { from });
  const dataDir = join(dir, "data");
  const port = await freePort();
  progress("cloning …");
  const env = { API_TOKEN, INTERVAL: "off", SERVE_PORT: String(port), READERS: "token" };
  const lockstep = await startLockstep({ standin, dataDir, env });
  releasers.add(() => lockstep.stop());
  await lockstep.waitForLog(({ result }) => result === "cloned", 600_000);
  await atRest(lockstep);
  const body = JSON.stringify({ name: "bench", scopes: ["git"] });
  const made = await lockstep.api("/api/v1/tokens", { method: "POST", body });
  const { secret: token } = (await made.json()) as { secret: string };
  const resolve = (names: string[]) => Promise.all(names.map((name) => standin.resolve(repo, name)));
  // Neighbours differ in a few files of thousands, so that all cost the same.
  const tips = await resolve(Array.from({ length: BRANCHES }, (_, n) => branchOf(n)));
  const behind = await resolve(Array.from({ length: 2 * MAX_ROUNDS }, (_, n) => `main~${BRANCHES + n}`));
  const ask = (commit: string) => askForPack({ port, token, commit });
  return { lockstep, ask, tips, behind, mirror: mirrorPath(dataDir, OWNER, NAME) };
}

const REST_MS = 2_000;

/** What Lockstep does to a new mirror is no part of what readers cost. */
async function atRest(lockstep: Lockstep): Promise<void> {
  for (let before = -1, now = 0; now !== before; now = childrenCpuSeconds(lockstep.pid)) {
    before = now;
    await sleep(REST_MS);
  }
}

/** @param pid whose children are git */
async function measured(pid: number, act: () => Promise<void>): Promise<Measured> {
  const before = { git: childrenCpuSeconds(pid), own: cpuSeconds(pid), at: performance.now() };
  await act();
  const wallMs = performance.now() - before.at;
  // A process counts once its parent has waited for it.
  await sleep(200);
  return { wallMs, gitCpu: childrenCpuSeconds(pid) - before.git, ownCpu: cpuSeconds(pid) - before.own };
}

// GIT_PROTOCOL=version=2 git upload-pack --stateless-rpc <mirror>
async function uploadPack(mirror: string, commit: string): Promise<void> {
  const env = {
    PATH: process.env.PATH,
    GIT_PROTOCOL: "version=2",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
  };
  const args = ["-c", "safe.directory=*", "upload-pack", "--stateless-rpc", mirror];
  const child = spawn("git", args, { env: env as NodeJS.ProcessEnv, stdio: ["pipe", "pipe", "inherit"] });
  child.stdout.resume();
  child.stdin.end(requestOf(commit));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`git upload-pack ended with ${code}`);
}
