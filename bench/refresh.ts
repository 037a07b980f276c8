import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { Releasers } from "../tools/releasers.js";
import { print, progress } from "../tools/terminal.js";
import { printScenario, type Row, rowsOf } from "./report.js";
import { run, workDir } from "./run.js";
import { measure, type Scenario } from "./scenario.js";

const HELP = `Usage: npm run bench:refresh [-- --quick] [--json]

How long a push takes from its delivery until a mirror has it: Lockstep, and beside it the plain ways run by
hand on the same pushes to the same upstream. Ratios are to the last of them.

  --quick   5 pushes for each way, not 15
  --json    one JSON document, no table`;

const http = { tls: false, roundTripMs: 0, serverMs: 0 };
const tls = { refs: 1000, tls: true, roundTripMs: 0, serverMs: 0 };
const SCENARIOS: Scenario[] = [
  { name: "HTTP, 1,000 refs", refs: 1000, ...http },
  { name: "HTTP, 50,000 refs", refs: 50_000, ...http },
  { name: "TLS, 1,000 refs", ...tls },
  { name: "TLS, 1,000 refs, 30 ms away", ...tls, roundTripMs: 30 },
  { name: "TLS, 1,000 refs, 30 ms away, 100 ms to answer", ...tls, roundTripMs: 30, serverMs: 100 },
];

const releasers = new Releasers();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return print(HELP);
  const count = values.quick ? 5 : 15;
  const git = (await promisify(execFile)("git", ["version"])).stdout.trim();
  const machine = `${git}, node ${process.versions.node}, ${availableParallelism()} CPUs`;
  if (!values.json) print(`From delivery to mirror, ${count} pushes for each way; ${machine}\n`);
  const dir = await workDir(releasers);
  const results: (Scenario & { rows: Row[] })[] = [];
  for (const [index, scenario] of SCENARIOS.entries()) {
    const own = new Releasers();
    releasers.add(() => own.release());
    if (releasers.exiting) return;
    const { samples } = await measure(scenario, join(dir, String(index)), count, own, progress);
    const rows = rowsOf(samples);
    await own.release();
    results.push({ ...scenario, rows });
    if (!values.json) printScenario(scenario, rows);
  }
  if (values.json) print(JSON.stringify({ machine, count, scenarios: results }, null, 2));
}

run(releasers, main);
