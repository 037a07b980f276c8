import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lockstep, startLockstep } from "../tools/lockstep.js";
import { Releasers } from "../tools/releasers.js";
import { type Repo, startStandIn } from "../tools/standin/index.js";
import { progress } from "../tools/terminal.js";
import { longestBlock, startBareLoop } from "./event-loop.js";
import { runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:blocking-live [-- --refs <n>]

The longest time for which a running Lockstep's event loop is blocked, while it clones a repository of many refs and
compares every ref after many of them have appeared, moved and gone. Nothing may block it for more than 50 ms. Beside
it stands the longest block of a bare Node at the same time, which works in slices of 5 ms: what the machine
does to any process. The time of one sync of the disk is shown apart, as a slow disk adds it to each.

  --refs <n>  how many refs; default 50000`;

const OPTIONS = {
  refs: { type: "string", default: "50000" },
} as const;

/** The limit, in milliseconds. */
const LIMIT_MS = 50;
const WAIT = "refresh?wait=600s";

const git = (dir: string, args: string[], input = ""): string =>
  execFileSync("git", args, {
    input,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: { PATH: process.env.PATH, GIT_DIR: dir },
  }).trim();

/** Makes commits without parents. @returns their names */
function commits(dir: string, count: number, text: string): string[] {
  const lines: string[] = [];
  for (let n = 1; n <= count; n++)
    lines.push(
      `commit refs/x\nmark :${n}\ncommitter T <t@example.com> ${1_700_000_000 + n} +0000\ndata <<E\n${text} ${n}\nE\ndeleteall\n`,
      "reset refs/x\n",
      `get-mark :${n}\n`,
    );
  const names = git(dir, ["fast-import", "--quiet", "--force"], lines.join(""));
  return names.split("\n").filter((line) => /^[0-9a-f]{40}$/.test(line));
}

function setRefs(dir: string, refs: (readonly [name: string, sha: string | null])[]): void {
  const lines = refs.map(([name, sha]) => (sha === null ? `delete ${name}\n` : `update ${name} ${sha}\n`));
  git(dir, ["update-ref", "--stdin"], lines.join(""));
  git(dir, ["pack-refs", "--all", "--prune"]);
}

/** @returns the time of one sync of a small file, in milliseconds */
function syncTime(dir: string): number {
  const began = performance.now();
  writeFileSync(join(dir, "sync"), "x", { flush: true });
  return performance.now() - began;
}

async function compare(lockstep: Lockstep, { owner, name }: Repo): Promise<void> {
  const answer = await lockstep.api(`/api/v1/repos/${owner}/${name}/${WAIT}`, { method: "POST" });
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
}

const releasers = new Releasers();
runBench(releasers, {
  help: HELP,
  options: OPTIONS,
  async measure(values, report) {
    const count = Number(values.refs);
    const standin = await startStandIn();
    releasers.add(() => standin.close());
    const repo = await standin.createRepository("octo-org", "many");
    progress("making commits …");
    const [old, more] = [commits(repo.dir, count, "old"), commits(repo.dir, count, "new")];
    const names = Array.from({ length: count }, (_, n) => `refs/heads/topic/${n}`);
    const env = { INTERVAL: "off", API_TOKEN: "token-of-the-benchmark-0123456789" };
    const dir = await workDir(releasers);
    const lockstep = await startLockstep({ standin, dataDir: join(dir, "data"), env });
    releasers.add(() => lockstep.stop());
    await lockstep.waitForLog(({ event, result }) => event === "refreshed" && result === "cloned", 60_000);

    const some = names.slice(0, Math.floor(count * 0.4));
    const steps: [step: string, refs: (readonly [string, string | null])[]][] = [
      ["new refs at one commit", names.map((name) => [name, old[0]!])],
      ["refs move to commits of their own", names.map((name, n) => [name, more[n]!])],
      ["nothing changes", []],
      ["two fifths of the refs go", some.map((name) => [name, null])],
      ["new refs at commits of their own", some.map((name, n) => [name, old[n]!])],
    ];
    const bareLoop = startBareLoop(releasers);
    const rows: { step: string; refs: number; ms: number; longestMs: number; bareMs: number }[] = [];
    for (const [step, refs] of steps) {
      progress(`${step} …`);
      setRefs(repo.dir, refs);
      await Promise.all([longestBlock(lockstep), bareLoop()]);
      const began = performance.now();
      await compare(lockstep, repo);
      const ms = performance.now() - began;
      const [longestMs, bareMs] = await Promise.all([longestBlock(lockstep), bareLoop()]);
      rows.push({ step, refs: refs.length, ms, longestMs, bareMs });
    }
    const syncMs = syncTime(dir);
    const cells = rows.map(({ step, refs, ms, longestMs, bareMs }) => [
      step,
      refs.toLocaleString("en"),
      `${(ms / 1_000).toFixed(1)} s`,
      `${longestMs.toFixed(0)} ms`,
      `${bareMs.toFixed(0)} ms`,
      longestMs > LIMIT_MS ? "too long" : "",
    ]);
    report.table([["step", "refs", "time", "longest block", "a bare Node", ""], ...cells]);
    report.text(`one sync of the disk: ${syncMs.toFixed(1)} ms`);
    return { syncMs, rows };
  },
});
