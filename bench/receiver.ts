import { join } from "node:path";
import Database from "libsql";
import { Releasers } from "../tools/releasers.js";
import { formatMs, median, percentile } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { keepBusy } from "./git-load.js";
import { cpuSeconds } from "./process.js";
import { restart, setUp, type Target, targetOf, type World } from "./receiver-world.js";
import { runBench } from "./run.js";
import type { Calls, Prepared } from "./webhook-calls.js";

const HELP = `Usage: npm run bench:receiver [-- --seconds 5 --rounds 3]

How many deliveries a Lockstep takes a second over 16 connections, beside a bare Node.js server that only checks their
signatures, by turns in the same run: pushes to repositories that are mirrored, and events that Lockstep ignores. Then
how long an answer takes at 100 pushes a second, alone and while 8 fetches and 2 clones run. Bodies have 10 KB. At the
end Lockstep is killed, and every delivery that it has accepted must be in its database.

  --seconds <n>  how long each measurement takes; default 5
  --rounds <n>   how often each is repeated; the figures are medians
  --only <name>  push, ignored or latency`;

const CONNECTIONS = 16;
const PER_SECOND = 100;
/** The busy repositories are few: each has a history that a clone takes seconds for. */
const FETCHED = 8;
const CLONED = 2;

interface Speed {
  perSecond: number;
  /** Of the process that answers, in microseconds for each delivery. */
  cpuMicroseconds: number;
  p50: number;
  p99: number;
}

const releasers = new Releasers();

runBench(releasers, {
  help: HELP,
  options: {
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
  },
  async measure(values, report) {
    const forMs = Number(values.seconds) * 1_000;
    const rounds = Number(values.rounds);
    const world = await setUp(releasers);
    const isMeasured = (name: string) => values.only === undefined || values.only === name;
    const speeds: ({ what: string } & Awaited<ReturnType<typeof compare>>)[] = [];
    const measureKind = async (name: "push" | "ignored", what: string) => {
      if (isMeasured(name)) speeds.push({ what, ...(await compare(world, world[name], { forMs, rounds })) });
    };
    await measureKind("ignored", "ignored events");
    await measureKind("push", "pushes, whose refreshes wait for a quiet moment");
    await restart(world, releasers);
    await measureKind("push", "pushes, each refreshed at once: the mirror has the commit already");
    const latency = isMeasured("latency") ? await measureLatency(world, forMs * 2) : null;
    const kept = await killAndCount(world);
    for (const { what, lockstep, bare } of speeds)
      report.table(
        [HEADING, rowOf("Lockstep", lockstep, bare), rowOf("a bare Node", bare, bare)],
        `${what}; ${CONNECTIONS} connections, 10 KB`,
      );
    if (latency) {
      const cells = Object.entries(latency.answers).map(([name, { ms }]) => [
        name,
        ...[0.5, 0.99, 1].map((share) => formatMs(percentile(ms, share))),
      ]);
      report.table([["answered after", "p50", "p99", "longest"], ...cells], `${PER_SECOND} pushes a second`);
      report.text(`${latency.fetches} fetches and ${latency.clones} clones meanwhile`);
    }
    report.text(
      `killed with SIGKILL: all ${kept.toLocaleString("en")} accepted deliveries are in the database`,
    );
    return { speeds, kept };
  },
});

const HEADING = ["", "deliveries/s", "to a bare Node", "CPU each", "p50", "p99"];

const rowOf = (name: string, own: Speed, bare: Speed): string[] => [
  name,
  Math.round(own.perSecond).toLocaleString("en"),
  `${(own.perSecond / bare.perSecond).toFixed(2)}×`,
  `${Math.round(own.cpuMicroseconds)} µs`,
  formatMs(own.p50),
  formatMs(own.p99),
];

async function compare(
  world: World,
  prepared: Prepared[],
  { forMs, rounds }: { forMs: number; rounds: number },
) {
  const speeds = { lockstep: [] as Speed[], bare: [] as Speed[] };
  // The first round compiles the code.
  for (let round = 0; round <= rounds; round++)
    for (const which of ["lockstep", "bare"] as const) {
      const target = which === "bare" ? world.bare : targetOf(world.lockstep);
      progress(`round ${round} of ${rounds}, ${target.name} …`);
      const { speed, calls } = await measure(world, target, prepared, forMs);
      if (which === "lockstep") for (const id of calls.ids) world.accepted.push(id);
      if (round > 0) speeds[which].push(speed);
    }
  return { lockstep: medianOf(speeds.lockstep), bare: medianOf(speeds.bare) };
}

async function measure({ call }: World, { pid, port }: Target, prepared: Prepared[], forMs: number) {
  const before = { cpu: cpuSeconds(pid), at: performance.now() };
  const calls = await call(prepared, { port, connections: CONNECTIONS, forMs });
  requireAll(calls);
  const { length } = calls.ids;
  const speed: Speed = {
    perSecond: (length * 1_000) / (performance.now() - before.at),
    cpuMicroseconds: ((cpuSeconds(pid) - before.cpu) * 1e6) / length,
    p50: percentile(calls.ms, 0.5),
    p99: percentile(calls.ms, 0.99),
  };
  return { speed, calls };
}

function requireAll({ refused }: Calls): void {
  if (refused.size > 0) throw new Error(`refused: ${JSON.stringify([...refused])}`);
}

const medianOf = (speeds: Speed[]): Speed => ({
  perSecond: median(speeds.map((it) => it.perSecond)),
  cpuMicroseconds: median(speeds.map((it) => it.cpuMicroseconds)),
  p50: median(speeds.map((it) => it.p50)),
  p99: median(speeds.map((it) => it.p99)),
});

async function measureLatency({ standin, lockstep, bare, push, accepted, call }: World, forMs: number) {
  const rate = { connections: CONNECTIONS, perSecond: PER_SECOND, forMs };
  const of = async (name: "lockstep" | "bare") => {
    const { port } = name === "bare" ? bare : targetOf(lockstep);
    const calls = await call(push, { port, ...rate });
    requireAll(calls);
    if (name === "lockstep") accepted.push(...calls.ids);
    return calls;
  };
  progress("answers, alone …");
  const alone = await of("lockstep");
  progress("making what is fetched and cloned …");
  const busy = await keepBusy({ standin, lockstep, fetched: FETCHED, cloned: CLONED }, releasers);
  progress("answers, while git is busy …");
  const busyCalls = await of("lockstep");
  progress("answers of a bare Node, while git is busy …");
  const bareCalls = await of("bare");
  await busy.stop();
  return {
    fetches: busy.fetches(),
    clones: busy.clones(),
    answers: {
      "Lockstep, alone": alone,
      "Lockstep, 8 fetches and 2 clones": busyCalls,
      "a bare Node, 8 fetches and 2 clones": bareCalls,
    },
  };
}

/** @returns how many deliveries were accepted @throws Error when one of them is not in the database */
async function killAndCount({ lockstep, dataDir, accepted }: World): Promise<number> {
  await lockstep.kill9();
  const db = new Database(join(dataDir, "lockstep.db"));
  const find = db.prepare("SELECT 1 AS yes FROM deliveries WHERE id = ?");
  const lost = accepted.filter((id) => find.get(id) === undefined);
  db.close();
  if (lost.length > 0)
    throw new Error(`${lost.length} accepted deliveries are not in the database: ${lost[0]}`);
  return accepted.length;
}
