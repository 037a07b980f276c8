import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { startLockstep } from "../tools/lockstep.js";
import { Releasers } from "../tools/releasers.js";
import { startStandIn } from "../tools/standin/index.js";
import { formatMs } from "../tools/stats.js";
import { progress } from "../tools/terminal.js";
import { timed } from "./delivered.js";
import { AREAS, type Large, lend, makeLarge, pathOf } from "./large.js";
import { runBench, workDir } from "./run.js";

const HELP = `Usage: npm run bench:extent [-- --files 20000 --commits 3000 --changes 20 --pushes 15]

What a mirror costs that has less than everything, behind a published tree: whole, shallow (depth=1), partial
(filter=blob:none), and both; with all files published, and with one in a hundred (paths=area-1). Ratios are
to the whole mirror with the same files published.`;

const OPTIONS = ["", "depth=1", "filter=blob:none", "depth=1&filter=blob:none"];
const READY_TIMEOUT_MS = 600_000;

interface Row {
  paths: string;
  options: string;
  /** The time from the start of Lockstep to the first published tree. */
  firstMs: number;
  receivedBytes: number;
  diskBytes: number;
  mirrorMs: number;
  treeMs: number;
}

const releasers = new Releasers();

runBench(releasers, {
  help: HELP,
  options: {
    files: { type: "string", default: "20000" },
    commits: { type: "string", default: "3000" },
    changes: { type: "string", default: "20" },
    pushes: { type: "string", default: "15" },
  },
  async measure(values, report) {
    const dir = await workDir(releasers);
    const [files, commits, changes] = [values.files, values.commits, values.changes].map(Number);
    const large = { dir: join(dir, "upstream.git"), files: files!, commits: commits!, changes: changes! };
    progress("making a repository with a history …");
    makeLarge(large.dir, large);
    const rows: Row[] = [];
    for (const paths of ["", "paths=area-1"])
      for (const options of OPTIONS) {
        progress(`${[paths, options].filter(Boolean).join("&") || "whole"} …`);
        rows.push(await measure(join(dir, `${rows.length}`), large, [paths, options], Number(values.pushes)));
      }
    report.table(tableOf(rows));
    return rows;
  },
});

async function measure(
  dataDir: string,
  large: Large & { dir: string },
  [paths, options]: [string, string],
  pushes: number,
) {
  const own = new Releasers();
  releasers.add(() => own.release());
  try {
    const standin = await startStandIn();
    own.add(() => standin.close());
    standin.strictClock = true;
    const repo = await standin.createRepository("octo-org", "upstream", { empty: true });
    lend(large.dir, repo.dir);
    const query = [paths, options].filter(Boolean).join("&");
    const CHECKOUTS = `octo-org/*${query && `?${query}`}`;
    const env = {
      API_TOKEN: "token-of-the-benchmark-0123",
      INTERVAL: "off",
      CHECKOUTS,
      CHECKOUT_GRACE: "50ms",
    };
    const startedAt = performance.now();
    const lockstep = await startLockstep({ standin, dataDir, env });
    own.add(() => lockstep.stop());
    await lockstep.waitForLog((line) => line.event === "published", READY_TIMEOUT_MS);
    const firstMs = performance.now() - startedAt;
    await lockstep.waitForLog((line) => line.event === "refreshed", READY_TIMEOUT_MS);
    const receivedBytes = await receivedOf(lockstep);
    const diskBytes = sizeOf(join(dataDir, "repos", String(repo.id), "mirror.git"));
    const inPart = (n: number) => pathOf(1 + AREAS * ((n * 7919) % (large.files / AREAS)));
    const times = await timed({ standin, repo, lockstep, dataDir }, pushes, inPart);
    return { paths, options, firstMs, receivedBytes, diskBytes, ...times };
  } finally {
    await own.release();
  }
}

/** Returns the received bytes by the metrics. */
async function receivedOf(lockstep: { api(path: string): Promise<Response> }): Promise<number> {
  const text = await (await lockstep.api("/metrics")).text();
  return Number(/^lockstep_upstream_received_bytes_total (\S+)/m.exec(text)?.[1]);
}

const sizeOf = (dir: string): number =>
  Number(/^\d+/.exec(execFileSync("du", ["-sbL", dir], { encoding: "utf8" }))![0]);

const MIB = 2 ** 20;

function tableOf(rows: Row[]): string[][] {
  const cells = rows.map((row) => {
    const whole = rows.find(({ paths, options }) => paths === row.paths && options === "")!;
    const cell = (value: (row: Row) => number, text: (value: number) => string) =>
      `${text(value(row))} ${(value(row) / value(whole)).toFixed(2)}×`;
    const size = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
    return [
      [row.paths, row.options].filter(Boolean).join("&") || "whole, all files",
      cell((it) => it.receivedBytes, size),
      cell((it) => it.diskBytes, size),
      cell((it) => it.firstMs, formatMs),
      cell((it) => it.treeMs, formatMs),
    ];
  });
  const heads = ["options", "received", "mirror on disk", "to the first tree", "delivery → tree"];
  return [heads, ...cells];
}
