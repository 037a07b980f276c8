import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, startLockstep } from "../tools/lockstep.js";
import { Releasers } from "../tools/releasers.js";
import { startStandIn } from "../tools/standin/index.js";
import { progress } from "../tools/terminal.js";
import { longestBlock, startBareLoop } from "./event-loop.js";
import { peakMemory, resetPeakMemory } from "./process.js";
import { runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:serving [-- --readers <n> --megabytes <n>]

What readers over HTTP cost the process of a running Lockstep: its memory, and the longest time for which they block its
event loop, beside the longest block of a bare Node at the same time. All begin at once. The heads of shared answers, 8 MiB each and 256 MiB together at most, are not counted.

  --readers <n>    default 200; a fifth of them where each has an answer of its own
  --megabytes <n>  the size of the pack that each gets; default 12`;

const OPTIONS = {
  readers: { type: "string", default: "200" },
  megabytes: { type: "string", default: "12" },
} as const;

const MIB = 2 ** 20;
const MAX_HEAD = 8 * MIB;
const MAX_HEADS = 256 * MIB;
const LIMIT_MS = 20;
const LIMIT_BYTES = MIB;

const pkt = (text: string) => `${(text.length + 5).toString(16).padStart(4, "0")}${text}\n`;

/** Adds one commit whose file takes so many bytes, which nothing compresses. */
function addCommit(dir: string, bytes: number): string {
  const file = randomBytes(bytes);
  const head = Buffer.from(
    `commit refs/heads/main\ncommitter T <t@example.com> 1700000000 +0000\ndata 1\nx\nM 100644 inline file\ndata ${bytes}\n`,
  );
  const input = Buffer.concat([head, file, Buffer.from("\n")]);
  const env = { PATH: process.env.PATH, GIT_DIR: dir };
  execFileSync("git", ["fast-import", "--quiet", "--force"], { input, env });
  return execFileSync("git", ["rev-parse", "refs/heads/main"], { env, encoding: "utf8" }).trim();
}

interface Step {
  name: string;
  /** What the reader asks for besides the commit. */
  linesOf(reader: number): string[];
  /** How long a reader reads nothing after the first bytes, in milliseconds. */
  pauseMs: number;
  readers: number;
  /** How many different answers there are. */
  answers: number;
}

interface Row {
  step: string;
  readers: number;
  seconds: number;
  bytesForEach: number;
  longestMs: number;
  /** What the machine does to any process meanwhile. */
  bareMs: number;
}

const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });

async function read(url: string, lines: string[], pauseMs: number): Promise<number> {
  const body = `${pkt("command=fetch")}0001${[...lines, "done"].map(pkt).join("")}0000`;
  const asking = request(`${url}/git-upload-pack`, {
    method: "POST",
    agent,
    headers: { "content-type": "application/x-git-upload-pack-request", "git-protocol": "version=2" },
  });
  asking.end(body);
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  let bytes = 0;
  for await (const chunk of answer) {
    if (bytes === 0 && pauseMs > 0) await sleep(pauseMs);
    bytes += (chunk as Buffer).length;
  }
  if (answer.statusCode !== 200) throw new Error(`a reader got ${answer.statusCode}`);
  return bytes;
}

const releasers = new Releasers();
runBench(releasers, {
  help: HELP,
  options: OPTIONS,
  async measure(values, report) {
    const readers = Number(values.readers);
    const size = Number(values.megabytes) * MIB;
    const standin = await startStandIn();
    releasers.add(() => standin.close());
    const repo = await standin.createRepository("octo-org", "large", { private: false });
    const commit = addCommit(repo.dir, size);
    const port = await freePort();
    const env = {
      INTERVAL: "off",
      API_TOKEN: "token-of-the-benchmark-0123456789",
      SERVE_PORT: String(port),
      READERS: "public",
    };
    const dir = await workDir(releasers);
    const lockstep = await startLockstep({ standin, dataDir: join(dir, "data"), env });
    releasers.add(() => lockstep.stop());
    await lockstep.waitForLog(({ event, result }) => event === "refreshed" && result === "cloned", 60_000);
    const url = `http://127.0.0.1:${port}/octo-org/large`;

    const few = Math.ceil(readers / 5);
    const steps: Step[] = [
      {
        name: "all ask for the same",
        linesOf: () => ["deepen 1"],
        pauseMs: 0,
        readers,
        answers: 1,
      },
      {
        name: "all ask for the same, and pause",
        linesOf: () => ["deepen 1", "ofs-delta"],
        pauseMs: 5_000,
        readers,
        answers: 1,
      },
      {
        name: "each has an answer of its own",
        linesOf: (n) => [`filter blob:limit=${size + n + 1}`],
        pauseMs: 0,
        readers: few,
        answers: few,
      },
    ];
    await read(url, [`want ${commit}`, "deepen 1", "thin-pack"], 0);
    const bareLoop = startBareLoop(releasers);
    const rows: Row[] = [];
    for (const { name, linesOf, pauseMs, answers, readers: count } of steps) {
      progress(`${name} …`);
      await Promise.all([longestBlock(lockstep), bareLoop()]);
      resetPeakMemory(lockstep.pid);
      const before = peakMemory(lockstep.pid);
      const began = performance.now();
      const all = Array.from({ length: count }, (_, n) =>
        read(url, [`want ${commit}`, ...linesOf(n)], pauseMs),
      );
      await Promise.all(all);
      const seconds = (performance.now() - began) / 1_000;
      const heads = Math.min(answers * Math.min(size, MAX_HEAD), MAX_HEADS);
      const bytesForEach = Math.max(0, peakMemory(lockstep.pid) - before - heads) / count;
      const [longestMs, bareMs] = await Promise.all([longestBlock(lockstep), bareLoop()]);
      rows.push({ step: name, readers: count, seconds, bytesForEach, longestMs, bareMs });
    }
    const cells = rows.map(({ step, readers: count, seconds, bytesForEach, longestMs, bareMs }) => [
      step,
      String(count),
      `${seconds.toFixed(1)} s`,
      `${(bytesForEach / MIB).toFixed(2)} MiB`,
      `${longestMs.toFixed(0)} ms`,
      `${bareMs.toFixed(0)} ms`,
      bytesForEach > LIMIT_BYTES || longestMs > LIMIT_MS ? "too much" : "",
    ]);
    const head = ["what", "readers", "time", "memory for each", "longest block", "a bare Node", ""];
    report.table([head, ...cells]);
    return { bytes: size, rows };
  },
});
