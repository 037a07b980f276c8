import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Releasers } from "../tools/releasers.js";
import { UsageError } from "../tools/run-tool.js";
import { type Repo, type StandIn, startStandIn } from "../tools/standin/index.js";
import { progress } from "../tools/terminal.js";
import { fetchAll } from "./fetch-all.js";
import { type Result, tableOf } from "./figures.js";
import { reportLimits } from "./limits.js";
import { type Report, runBench, workDir } from "./run.js";
import { measureSweep, onboard, startCounted } from "./sweep.js";

const HELP = `Usage: npm run bench:backstop [-- --repositories 100,1000]

What a pass over repositories costs when nothing was pushed to any of them: Lockstep's sweep, and beside
it a git fetch of each one.

  --repositories <list>  default 100,1000; with 10000, cloning them first takes a quarter of an hour`;

const NOTES = `REST calls and git requests as the stand-in GitHub counted them. Seconds: from the sweep's first call to its
last. CPU and peak memory: of the Lockstep process. The fetches run 4 at a time, on the same machine as the
stand-in. Processes are counted by a GIT_BINARY that costs a shell for each git, and nothing where none starts.`;

const FETCHED_AT_MOST = 1_000;

/**
 * Returns what GitHub grants an installation with this many repositories, in an hour.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#primary-rate-limit-for-github-app-installations
 */
const hourlyLimit = (repositories: number): number =>
  Math.min(12_500, 5_000 + 50 * Math.max(0, repositories - 20));

/** The last pushes are this old, so that nothing could still change at GitHub unseen. */
const QUIET_S = 3_600;

const releasers = new Releasers();

runBench(releasers, {
  help: HELP,
  options: { repositories: { type: "string", default: "100,1000" } },
  async measure(values, report) {
    const sizes = values.repositories.split(",").map(Number);
    if (!sizes.every((size) => Number.isInteger(size) && size > 0))
      throw new UsageError("--repositories: whole numbers, with commas between them");
    const results: Result[] = [];
    for (const size of sizes) {
      const own = new Releasers();
      const dir = await workDir(own);
      releasers.add(() => own.release());
      const isFirst = size === sizes[0];
      results.push(await measure(report, { size, dir, own, limits: isFirst }));
      await own.release();
    }
    report.table(tableOf(results));
    report.text(NOTES);
    return results;
  },
});

interface Pass {
  size: number;
  dir: string;
  own: Releasers;
  /** Whether to show also what Lockstep does when GitHub asks it to wait. */
  limits: boolean;
}

async function measure(report: Report, { size, dir, own, limits }: Pass): Promise<Result> {
  const count = size.toLocaleString("en");
  progress(`${count} repositories: making them …`);
  const standin = await startStandIn({ dir: join(dir, "github") });
  own.add(() => standin.close());
  standin.limits.installation = hourlyLimit(size);
  const repos = await quietRepositories(standin, size);
  const dataDir = join(dir, "data");
  const began = performance.now();
  await onboard(standin, dataDir, size, own, (done) => progress(`${count} repositories: ${done} cloned …`));
  const seconds = Math.round((performance.now() - began) / 1000);
  report.text(`${count} repositories: cloned in ${seconds} s, with ${standin.calls.length} REST calls`);
  progress(`${count} repositories: waiting for a sweep …`);
  const counted = await startCounted(standin, dir, own);
  const sweep = await measureSweep(standin, counted);
  if (limits) await reportLimits(report, standin, counted.lockstep);
  await counted.lockstep.stop();
  const fetched = Math.min(size, FETCHED_AT_MOST);
  progress(`${count} repositories: fetching ${fetched} of them …`);
  const plainDir = join(dir, "plain");
  await mkdir(plainDir);
  return {
    repositories: size,
    sweep,
    fetched,
    fetchAll: await fetchAll(standin, repos.slice(0, fetched), plainDir),
  };
}

async function quietRepositories(standin: StandIn, size: number): Promise<Repo[]> {
  const names = Array.from({ length: size }, (_, n) => `repository-${String(n + 1).padStart(5, "0")}`);
  const repos = await standin.createRepositories(standin.createInstallation("octo-org"), names);
  for (const repo of repos) repo.pushedAt -= QUIET_S;
  return repos;
}
