import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { differences } from "./demo/compare.js";
import { type Measured, printHeading, printStep, printSummary, printVerdict } from "./demo/report.js";
import { Scene } from "./demo/scene.js";
import { printAddress, pushOn } from "./demo/stay.js";
import { STEPS } from "./demo/steps.js";
import { type Lockstep, startLockstep } from "./lockstep.js";
import { waitForTip } from "./mirror.js";
import { Releasers } from "./releasers.js";
import { type Repo, type StandIn, startStandIn } from "./standin/index.js";
import { formatMs } from "./stats.js";
import { dim, print, progress, red } from "./terminal.js";

const HELP = `Usage: npm run demo [-- --keep] [<path or URL of a git repository>]

Starts a stand-in for GitHub on loopback, and Lockstep (through Probot) against it; pushes to the
stand-in and shows how long each push takes from its webhook to the mirror. Nothing leaves this machine
but a read of the URL you give; the repository you give is copied and never changed.

  --keep  then goes on, with a push every few seconds, and says where the page is, until Ctrl-C

Exit status: 0 every ref of every mirror equals its upstream, 1 not so, 2 wrong use.`;

const ONBOARD_TIMEOUT_MS = 600_000;

class UsageError extends Error {}

const releasers = new Releasers();
let running: Lockstep | undefined;

interface Arguments {
  /** The upstream's address; undefined: none. */
  upstream: string | undefined;
  keep: boolean;
}

async function main(): Promise<number> {
  const given = readArguments();
  if (given === null) return 0;
  print(
    `Lockstep demo: a stand-in for GitHub, Lockstep beside it, ${STEPS.length} kinds of pushes, all on loopback.`,
  );
  print();
  const dataDir = await mkdtemp(join(tmpdir(), "lockstep-demo-"));
  releasers.add(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  const standin = await startStandIn();
  releasers.add(() => standin.close());
  standin.strictClock = true;
  const repos = await upstreams(standin, given.upstream);
  progress("starting Lockstep …");
  const token = randomBytes(24).toString("hex");
  const lockstep = await startLockstep({ standin, dataDir, env: { API_TOKEN: token } });
  releasers.add(() => lockstep.stop());
  running = lockstep;
  const scene = new Scene(standin, dataDir, lockstep.webhookUrl);
  await onboard(scene, repos);
  const measured = await runSteps(scene, repos);
  progress("comparing every ref …");
  let refs = 0;
  const different: string[] = [];
  for (const repo of repos) {
    refs += (await standin.tips(repo)).size;
    different.push(...(await differences(standin, repo, dataDir)));
  }
  if (!given.keep) await lockstep.stop();
  printSummary(measured, scene.pushesSent, lockstep.log);
  printVerdict(refs, repos.length, different);
  if (different.length > 0) printLog();
  if (given.keep) {
    printAddress({ url: lockstep.url, token });
    await pushOn(scene, repos);
  }
  return different.length === 0 ? 0 : 1;
}

/** @returns null when only help was wanted */
function readArguments(): Arguments | null {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { keep: { type: "boolean", default: false }, help: { type: "boolean", short: "h" } },
    });
    if (positionals.length > 1) throw new UsageError("give one repository at most");
    if (!values.help) return { upstream: positionals[0], keep: values.keep };
    print(HELP);
    return null;
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message);
  }
}

async function upstreams(standin: StandIn, given: string | undefined): Promise<Repo[]> {
  if (given === undefined) {
    const names = ["hello-world", "octocat.github.io", "spoon-knife"];
    return Promise.all(names.map((name) => standin.createRepository("octo-org", name)));
  }
  const upstream = existsSync(given) ? resolve(given) : given;
  progress(`reading ${upstream} …`);
  const env = { ...process.env, GIT_TERMINAL_PROMPT: "0" };
  const name = basename(upstream.replace(/\/+$/, ""), ".git").replace(/[^\w.-]/g, "-");
  try {
    // The upstream is asked first: a wrong address then fails before anything is copied.
    await promisify(execFile)("git", ["ls-remote", "--heads", "--", upstream], { env, maxBuffer: 1 << 30 });
    return [
      await standin.createRepository("upstream", name === "." ? "repository" : name, { from: upstream }),
    ];
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new UsageError(`cannot read ${upstream} as a git repository: ${(stderr || message).trim()}`);
  }
}

async function onboard(scene: Scene, repos: Repo[]): Promise<void> {
  progress("Lockstep mirrors what it is installed on …");
  const began = performance.now();
  for (const repo of repos) {
    const ref = `refs/heads/${repo.defaultBranch}`;
    await waitForTip(scene.mirrorOf(repo), ref, await scene.standin.tip(repo, ref), ONBOARD_TIMEOUT_MS);
  }
  const names = repos.map(({ owner, name }) => `${owner}/${name}`).join(", ");
  print(`${names}: mirrored ${formatMs(performance.now() - began)} after Lockstep was ready`);
  print();
}

async function runSteps(scene: Scene, repos: Repo[]): Promise<Measured[]> {
  const measured: Measured[] = [];
  printHeading();
  for (const { title, run } of STEPS) {
    progress(`${title} …`);
    const step = { title, took: await run(scene, repos, progress) };
    measured.push(step);
    printStep(step);
  }
  return measured;
}

function printLog(): void {
  if (!running) return;
  print(dim("the end of Lockstep's log:"));
  print(running.tail());
}

releasers.exitOnSignals((signal) => print(`${signal}: cleaning up`));
main().then(
  (code) => releasers.exit(code),
  async (error: Error) => {
    if (releasers.exiting) return;
    const wrongUse = error instanceof UsageError;
    print(red(wrongUse ? `demo: ${error.message}` : `the demo failed: ${error.message}`));
    if (!wrongUse) printLog();
    await releasers.exit(wrongUse ? 2 : 1);
  },
);
