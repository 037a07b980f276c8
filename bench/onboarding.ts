import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { startLockstep } from "../tools/lockstep.js";
import { Releasers } from "../tools/releasers.js";
import { hermeticEnv } from "../tools/standin/git.js";
import { type Repo, type StandIn, startStandIn } from "../tools/standin/index.js";
import { progress } from "../tools/terminal.js";
import { treeCpuSeconds } from "./process.js";
import { runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:onboarding [-- --repositories 300]

How long a new Lockstep takes to clone every repository of an installation, beside a loop that runs git clone --mirror
for each of them, two at a time as Lockstep does. All are small, and on this machine. REST calls are counted by kind.

  --repositories <n>  default 300`;

/** Half of CONCURRENCY's default. */
const AT_ONCE = 2;
const DONE_MS = 600_000;
const OWNER = "octo-org";

interface Figures {
  seconds: number;
  cpuSeconds: number;
  gitRequests: number;
  /** How many calls of each kind there were; ids are left out. */
  calls: Record<string, number>;
}

const releasers = new Releasers();
runBench(releasers, {
  help: HELP,
  options: { repositories: { type: "string", default: "300" } },
  async measure(values, report) {
    const count = Number(values.repositories);
    const dir = await workDir(releasers);
    const standin = await startStandIn({ dir: join(dir, "github") });
    releasers.add(() => standin.close());
    const names = Array.from({ length: count }, (_, n) => `service-${String(n).padStart(5, "0")}`);
    progress("making repositories …");
    const repos = await standin.createRepositories(standin.createInstallation(OWNER), names);
    const lockstep = await measure(standin, () => onboard(standin, join(dir, "data"), count));
    const plain = await measure(standin, () => cloneEach(standin, repos, join(dir, "plain")));
    const row = (name: string, { seconds, cpuSeconds, gitRequests, calls }: Figures) => [
      name,
      `${seconds.toFixed(1)} s`,
      `${(seconds / plain.seconds).toFixed(2)}×`,
      `${cpuSeconds.toFixed(1)} s`,
      String(Object.values(calls).reduce((sum, n) => sum + n, 0)),
      String(gitRequests),
    ];
    const heading = [`${count} repositories`, "time", "ratio", "CPU", "REST calls", "git requests"];
    report.table([heading, row("Lockstep", lockstep), row("git clone --mirror each", plain)]);
    report.table([
      ["REST call", "times"],
      ...Object.entries(lockstep.calls).map(([call, times]) => [call, String(times)]),
    ]);
    return { repositories: count, lockstep, plain };
  },
});

/** @param act returns the processor time that it took, in seconds */
async function measure(standin: StandIn, act: () => Promise<number>): Promise<Figures> {
  standin.clearCounters();
  const began = performance.now();
  const cpuSeconds = await act();
  const calls: Record<string, number> = {};
  for (const { method, path } of standin.calls) {
    const kind = `${method} ${path.replace(/\?.*/, "").replace(/\/\d+/g, "/{id}")}`;
    calls[kind] = (calls[kind] ?? 0) + 1;
  }
  const { length: gitRequests } = standin.gitRequests;
  return { seconds: (performance.now() - began) / 1_000, cpuSeconds, gitRequests, calls };
}

async function onboard(standin: StandIn, dataDir: string, count: number): Promise<number> {
  const env = { INTERVAL: "off", MIN_FREE_DISK: "0" };
  const lockstep = await startLockstep({ standin, dataDir, env });
  releasers.add(() => lockstep.stop());
  const cloned = new Set<unknown>();
  await lockstep.waitForLog(({ result, repository }) => {
    if (result === "cloned") cloned.add(repository);
    progress(`${cloned.size} of ${count} are cloned …`);
    return cloned.size === count;
  }, DONE_MS);
  const seconds = treeCpuSeconds(lockstep.pid);
  await lockstep.stop();
  return seconds;
}

async function cloneEach(standin: StandIn, repos: readonly Repo[], dir: string): Promise<number> {
  await mkdir(dir);
  const token = standin.token(repos[0]!.installation!);
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  const args = ["-c", `http.extraHeader=Authorization: Basic ${basic}`, "clone", "--quiet", "--mirror"];
  const before = treeCpuSeconds(process.pid);
  const left = repos.entries();
  const work = async () => {
    for (const [n, { owner, name }] of left) {
      progress(`${n} of ${repos.length} are cloned by git …`);
      const url = `${standin.url}/${owner}/${name}.git`;
      await promisify(execFile)("git", [...args, url, join(dir, name)], { env: hermeticEnv() });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  // The stand-in runs in this process, and its git below it: what they took is no part of a clone's cost.
  return Math.max(0, treeCpuSeconds(process.pid) - before);
}
