import { availableParallelism } from "node:os";
import { formatMs, percentile } from "../stats.js";
import { bold, green, print, red } from "../terminal.js";
import type { Options } from "./options.js";
import { inMib, type Outcome } from "./run.js";

const MOST_SHOWN = 20;

export function printSummary(outcome: Outcome): void {
  print();
  print(bold("figures"));
  for (const [name, value] of figuresOf(outcome)) print(`${name}: ${value}`);
  print(verdictOf(outcome));
}

/** Prints what docs/security.md has under "Figures". */
export function printMarkdown(outcome: Outcome, { requests, seed }: Options): void {
  const day = new Date().toISOString().slice(0, 10);
  print();
  print(`\`npm run hostile -- --requests ${requests} --seed ${seed} --markdown\`, on ${day}, with`);
  print(`${availableParallelism()} processors:`);
  print();
  print("| figure | value |");
  print("| --- | --- |");
  for (const [name, value] of figuresOf(outcome)) print(`| ${name} | ${value} |`);
  print();
  print(verdictOf(outcome));
}

export function printFaults({ faults, log }: Outcome, { seed, requests }: Options): void {
  print();
  for (const fault of faults.slice(0, MOST_SHOWN)) print(red(`  ${fault}`));
  if (faults.length > MOST_SHOWN) print(`  and ${faults.length - MOST_SHOWN} more`);
  print(`from Lockstep's log:\n${log}`);
  print(`to repeat it: npm run hostile -- --seed ${seed} --requests ${requests}, or with --request <n>`);
}

function figuresOf(outcome: Outcome): [name: string, value: string][] {
  const { sent, answers, crowds, lags, seconds, worstHealthMs, worstOwnHealthMs } = outcome;
  const { baseBytes, peakBytes, boundBytes } = outcome;
  const total = [...sent.values()].reduce((sum, count) => sum + count, 0);
  const kinds = [...sent].map(([name, count]) => `${name} ${count.toLocaleString("en")}`);
  const counts = [...answers].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  const own = `without waiting for a processor: ${formatMs(worstOwnHealthMs)}`;
  return [
    ["requests", `${total.toLocaleString("en")} in ${Math.round(seconds)} s: ${kinds.join(", ")}`],
    ["answers (0: none)", counts.join(", ")],
    ...crowds.map((line): [string, string] => [
      line.slice(0, line.indexOf(":")),
      line.slice(line.indexOf(":") + 2),
    ]),
    ["slowest `/healthz`", `${formatMs(worstHealthMs)} (${own})`],
    ["memory", `${inMib(baseBytes)} before, at most ${inMib(peakBytes)}; the bound was ${inMib(boundBytes)}`],
    [
      "genuine pushes",
      `${lags.length}, in the mirror after ${formatMs(percentile(lags, 0.5))} (p50), at most ${formatMs(percentile(lags, 1))}`,
    ],
  ];
}

const verdictOf = ({ faults }: Outcome): string =>
  faults.length === 0 ? green("faults: 0") : red(`faults: ${faults.length}`);
