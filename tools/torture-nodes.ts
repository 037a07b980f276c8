import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Releasers } from "./releasers.js";
import { removeInUse } from "./remove-in-use.js";
import { parseOptions, runTool, UsageError } from "./run-tool.js";
import { formatMs } from "./stats.js";
import { bold, print, progress, red } from "./terminal.js";
import { KINDS } from "./torture-nodes/kinds.js";
import { printOutcome } from "./torture-nodes/report.js";
import { type Round, tortureNodes } from "./torture-nodes/run.js";

const HELP = `Usage: npm run torture:nodes [-- --minutes 10 --seed 7 --replicas 2 --only joins,hangs]

Runs three nodes and a receiver with a real Redis under load, does to them and to Redis what a bad night does, and checks
after each fault that every owner's mirror is GitHub's again, without a further delivery, and that nothing disappeared.

  --minutes <n>       how long; default 10
  --seed <n>          what is random; default a new one, which is printed
  --repositories <n>  default 12
  --replicas <n>      owners of each repository: 1 (default) or 2
  --load <n>          how many times as many deliveries each fault has; default 1
  --only <words>      only faults with one of these words in their names
  --markdown          prints the figures as docs/cluster.md has them
  --list              prints the faults

Exit status: 0 nothing was lost, 1 a round failed, 2 wrong use.`;

const releasers = new Releasers();

async function main(): Promise<number> {
  const values = parse(process.argv.slice(2));
  if (values.help) print(HELP);
  if (values.list) for (const { name } of KINDS) print(name);
  if (values.help || values.list) return 0;
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  const words = values.only?.split(",") ?? [""];
  const options = {
    minutes: Number(values.minutes),
    seed,
    repositories: Number(values.repositories),
    replicas: Number(values.replicas),
    load: Number(values.load),
    kinds: KINDS.filter(({ name }) => words.some((word) => name.includes(word))),
  };
  if (
    !Object.values(options).every((value) => Array.isArray(value) || value > 0) ||
    options.kinds.length === 0
  )
    throw new UsageError("numbers must be above 0, and --only must name faults that --list prints");
  print(bold(`Torture of nodes: ${options.minutes} min, seed ${seed}, REPLICAS=${options.replicas}`));
  const outcome = await tortureNodes({ ...options, tempDir, releasers, report });
  printOutcome(outcome, { ...options, isMarkdown: values.markdown === true });
  return outcome.rounds.some(({ faults }) => faults.length > 0) ? 1 : 0;
}

const parse = (args: string[]) =>
  parseOptions(args, {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    repositories: { type: "string", default: "12" },
    replicas: { type: "string", default: "1" },
    load: { type: "string", default: "1" },
    only: { type: "string" },
    markdown: { type: "boolean" },
    list: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });

function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "lockstep-nodes-"));
  releasers.add(() => removeInUse(dir));
  return dir;
}

/** A terminal shows the last round, and a log has all. */
function report({ number, kind, recoveryMs, acknowledged, faults }: Round): void {
  const text = `round ${number}: ${kind}: ${acknowledged} deliveries, in step after ${formatMs(recoveryMs)}`;
  if (faults.length > 0) {
    print(red(`round ${number} failed: ${kind}`));
    for (const fault of faults.slice(0, 20)) print(`  ${fault}`);
  } else if (process.stdout.isTTY) progress(text);
  else print(text);
}

runTool(releasers, main);
