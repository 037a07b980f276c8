import { join } from "node:path";
import type { LogLine } from "../tools/log-lines.js";
import { Releasers } from "../tools/releasers.js";
import { formatMs, median } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { type Report, runBench, workDir } from "./run.js";
import { measure, type Samples, type Scenario } from "./scenario.js";
import { NEVER_MAINTAINED, SCRATCH_FETCH } from "./ways.js";

const HELP = `Usage: npm run bench:upkeep [-- --pushes <n>]

What a refresh costs as pushes to one mirror add up: Lockstep with its maintenance, and beside it plain git
without any, on the same pushes. Ratios are to the first 50 pushes of the same way.

  --pushes <n>  so many pushes, not 1,000`;

const near = { tls: false, roundTripMs: 0, serverMs: 0, refs: 1000, only: [SCRATCH_FETCH, NEVER_MAINTAINED] };
/** From 100 objects on a fetch keeps the pack instead of loose objects (fetch.unpackLimit). */
const FILES_FOR_A_PACK = 110;
const SCENARIOS: Scenario[] = [
  { name: "each push 3 loose objects", ...near },
  { name: "each push a pack of 112 objects", ...near, files: manyFiles },
];

const FIRST = 50;
const STEP = 100;
let round = 0;

function manyFiles(): Record<string, string> {
  round += 1;
  const names = Array.from({ length: FILES_FOR_A_PACK }, (_, n) => `file-${n}`);
  return Object.fromEntries(names.map((name) => [name, `${name} ${round} ${Math.random()}\n`]));
}

interface Stretch {
  pushes: string;
  medianMs: number;
  /** The ratio to the first stretch. */
  ratio: number;
}

/** The first stretch has 50 pushes, each later one 100. */
function stretchesOf(times: number[]): Stretch[] {
  const bounds = [0, FIRST];
  while (bounds.at(-1)! < times.length) bounds.push(Math.min(bounds.at(-1)! + STEP, times.length));
  const first = median(times.slice(0, FIRST));
  return bounds.slice(1).map((end, index) => {
    const begin = bounds[index]!;
    const medianMs = median(times.slice(begin, end));
    return { pushes: `${begin + 1}–${end}`, medianMs, ratio: medianMs / first };
  });
}

const reportOf = (samples: Samples): Record<string, Stretch[]> =>
  Object.fromEntries([...samples].map(([way, taken]) => [way, stretchesOf(taken.map(({ ms }) => ms))]));

function show(report: Report, name: string, stretches: Record<string, Stretch[]>, tidies: LogLine[]): void {
  const ways = Object.keys(stretches);
  const rows = stretches[ways[0]!]!.map(({ pushes }, row) => [
    pushes,
    ...ways.map((way) => {
      const { medianMs, ratio } = stretches[way]![row]!;
      return `${formatMs(medianMs)} ${ratio.toFixed(2)}×`;
    }),
  ]);
  report.table([["pushes", ...ways], ...rows], name);
  const took = tidies.map(({ durationMs }) => formatMs(Number(durationMs)));
  report.text(`maintenance ran ${tidies.length} times beside them: ${took.join(", ")}`);
}

const releasers = new Releasers();

runBench(releasers, {
  help: HELP,
  options: {
    pushes: { type: "string", default: "1000" },
  },
  async measure(values, report) {
    const dir = await workDir(releasers);
    const results: object[] = [];
    for (const [index, scenario] of SCENARIOS.entries()) {
      const own = new Releasers();
      releasers.add(() => own.release());
      const place = join(dir, String(index));
      const { samples, log } = await measure(scenario, place, Number(values.pushes), own, progress);
      await own.release();
      const tidies = log.filter(({ event }) => event === "maintenance_done");
      results.push({ scenario: scenario.name, ways: reportOf(samples), maintenance: tidies });
      show(report, scenario.name, reportOf(samples), tidies);
    }
    return results;
  },
});
