import { Releasers } from "./releasers.js";
import { runTool } from "./run-tool.js";
import { formatMs } from "./stats.js";
import { bold, print, progress, red } from "./terminal.js";
import { KINDS } from "./torture/kinds/index.js";
import { HELP, type Options, readOptions } from "./torture/options.js";
import { printMarkdown, printSummary } from "./torture/report.js";
import type { Round } from "./torture/round.js";
import { type Failure, torture } from "./torture/run.js";

const releasers = new Releasers();

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") print(HELP);
  else if (options === "list") for (const { name } of KINDS) print(name);
  else return run(options);
  return 0;
}

async function run(options: Options): Promise<number> {
  const { minutes, seed } = options;
  print(bold(`Torture: ${minutes} min, seed ${seed}, ${options.kinds.length} kinds of faults`));
  const outcome = await torture({
    ...options,
    report: printRound,
    onWorld: (world) => releasers.add(() => world.release({ keepsData: false })),
  });
  if (options.isMarkdown) printMarkdown(outcome, options);
  else printSummary(outcome);
  if (outcome.failed === null) return 0;
  printFailure(outcome.failed, options);
  return 1;
}

/** A terminal shows the last round, and a log has all. */
function printRound({ number, kind, recoveryMs, faults, notes }: Round): void {
  const text = `round ${number}: ${kind}, in step after ${formatMs(recoveryMs)}`;
  if (faults.length > 0) return;
  if (process.stdout.isTTY) progress(text);
  else print([text, ...notes].join("; "));
}

function printFailure({ round, log, dataDir }: Failure, { seed }: Options): void {
  print();
  print(red(`round ${round.number} (${round.kind}) failed:`));
  for (const line of [...round.faults.slice(0, 20), ...round.notes]) print(`  ${line}`);
  print(`the end of Lockstep's log:\n${log}`);
  print(`its data is left in ${dataDir}`);
  print(`to repeat it: npm run torture -- --seed ${seed} --only ${round.kind} --round ${round.number}`);
}

runTool(releasers, main);
