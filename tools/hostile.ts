import { ATTACKS } from "./hostile/attacks/index.js";
import { CROWDS } from "./hostile/crowds/index.js";
import { HELP, type Options, readOptions } from "./hostile/options.js";
import { printFaults, printMarkdown, printSummary } from "./hostile/report.js";
import { hostile } from "./hostile/run.js";
import { Releasers } from "./releasers.js";
import { runTool } from "./run-tool.js";
import { bold, print, progress } from "./terminal.js";

/** Health checks of balancers and containers commonly give up after this time. */
const HEALTH_MS = 1_000;
const releasers = new Releasers();

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") print(HELP);
  else if (options === "list")
    for (const { name, about } of [...ATTACKS, ...CROWDS]) print(`${name}: ${about}`);
  else return run(options);
  return 0;
}

async function run(options: Options): Promise<number> {
  const { requests, seed, attacks, crowds } = options;
  print(
    bold(`Hostile: ${requests} requests, seed ${seed}, ${attacks.length} kinds, ${crowds.length} crowds`),
  );
  const outcome = await hostile({
    ...options,
    healthMs: HEALTH_MS,
    report: ({ done, faults }) => progress(`${done} requests, ${faults} faults`),
    onWorld: (world) => releasers.add(() => world.release()),
  });
  if (options.isMarkdown) printMarkdown(outcome, options);
  else printSummary(outcome);
  if (outcome.faults.length === 0) return 0;
  printFaults(outcome, options);
  return 1;
}

runTool(releasers, main);
