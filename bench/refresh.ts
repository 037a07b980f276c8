import { join } from "node:path";
import { Releasers } from "../tools/releasers.js";
import { progress } from "../tools/terminal.js";
import { overviewOf, type Row, rowsOf, tableOf } from "./report.js";
import { runBench, workDir } from "./run.js";
import { measure, type Scenario } from "./scenario.js";

const HELP = `Usage: npm run bench:refresh [-- --quick]

How long a push takes from its delivery until a mirror has it: Lockstep, and beside it the plain ways run by
hand on the same pushes to the same upstream. Ratios are to the last of them.

  --quick   5 pushes for each way, not 15`;

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

runBench(releasers, {
  help: HELP,
  options: { quick: { type: "boolean" } },
  async measure(values, report) {
    const count = values.quick ? 5 : 15;
    const dir = await workDir(releasers);
    const scenarios: (Scenario & { rows: Row[] })[] = [];
    for (const [index, scenario] of SCENARIOS.entries()) {
      const own = new Releasers();
      releasers.add(() => own.release());
      const { samples } = await measure(scenario, join(dir, String(index)), count, own, progress);
      const rows = rowsOf(samples);
      await own.release();
      scenarios.push({ ...scenario, rows });
      report.detail(tableOf(rows), scenario.name);
    }
    report.table(overviewOf(scenarios));
    return { count, scenarios };
  },
});
