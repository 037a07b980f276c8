import { availableParallelism } from "node:os";
import { formatMs, percentile } from "../stats.js";
import { bold, green, print, red, table } from "../terminal.js";
import { KINDS } from "./kinds/index.js";
import type { Options } from "./options.js";
import type { Round } from "./round.js";
import type { Outcome } from "./run.js";

const HEADING = ["fault", "rounds", "recovery p50", "max"];

export function printSummary(outcome: Outcome): void {
  const [heading = "", ...lines] = table([HEADING, ...rowsOf(outcome.rounds)]);
  print();
  print(bold(heading));
  for (const line of lines) print(line);
  print();
  printCounts(outcome);
}

/** Prints what docs/reliability.md has under "Figures". */
export function printMarkdown(outcome: Outcome, { minutes, seed, fileSystem, kinds }: Options): void {
  const { rounds, failed } = outcome;
  const lost = failed === null ? "lost: 0" : "lost: 1 round failed";
  const only = kinds.length < KINDS.length ? ` --only ${kinds.map(({ name }) => name).join(",")}` : "";
  print();
  print(
    `\`npm run torture -- --minutes ${minutes} --seed ${seed} --file-system ${fileSystem}${only} --markdown\`,`,
  );
  print(`with ${availableParallelism()} processors: ${rounds.length} rounds, ${lost}.`);
  print();
  for (const line of markdownTable([HEADING, ...rowsOf(rounds)])) print(line);
  print();
  printCounts(outcome);
}

function printCounts({ rounds, skipped, answers, failed }: Outcome): void {
  for (const { kind, reason } of skipped) print(`skipped: ${kind} ${reason}`);
  const counts = [...answers].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  print(`answers to deliveries: ${counts.join(", ")} (0: not reached)`);
  const lost = failed === null ? green("lost: 0") : red("lost: 1 round failed");
  print(`${rounds.length} rounds, ${lost}`);
}

/** One line for each kind that had a round, and one for all. */
function rowsOf(rounds: Round[]): string[][] {
  const kinds = [...new Set(rounds.map((round) => round.kind))].sort();
  const lines = kinds.map((kind) =>
    rowOf(
      kind,
      rounds.filter((round) => round.kind === kind),
    ),
  );
  return [...lines, rowOf("all", rounds)];
}

function rowOf(name: string, rounds: Round[]): string[] {
  const took = rounds.map(({ recoveryMs }) => recoveryMs);
  return [name, String(took.length), formatMs(percentile(took, 0.5)), formatMs(Math.max(...took))];
}

/** Numbers are aligned to the right. */
export function markdownTable([heading = [], ...rows]: string[][]): string[] {
  const line = (cells: string[]): string => `| ${cells.join(" | ")} |`;
  const alignment = heading.map((_, column) => (column === 0 ? "---" : "--:"));
  return [line(heading), line(alignment), ...rows.map(line)];
}
