import { availableParallelism } from "node:os";
import { formatMs, percentile } from "../stats.js";
import { green, print, red, table } from "../terminal.js";
import { markdownTable } from "../torture/report.js";
import type { Outcome, Round, RunOptions } from "./run.js";

interface Options extends Pick<RunOptions, "minutes" | "seed" | "replicas" | "load"> {
  /** Whether the figures are printed as a table of a document. */
  isMarkdown: boolean;
}

const HEADING = ["fault", "rounds", "deliveries", "recovery p50", "max"];

export function printOutcome({ rounds, answers }: Outcome, options: Options): void {
  const { minutes, seed, replicas, load, isMarkdown } = options;
  const failed = rounds.filter(({ faults }) => faults.length > 0).length;
  const lost = failed === 0 ? "lost: 0" : `lost: ${failed} round failed`;
  const counts = [...answers].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  print();
  print(
    `\`npm run torture:nodes -- --minutes ${minutes} --seed ${seed} --replicas ${replicas} --load ${load} --markdown\`, with ${availableParallelism()}`,
  );
  print(`processors: ${rounds.length} rounds; answers to deliveries: ${counts.join(", ")} (0: not reached)`);
  print(failed === 0 ? green(lost) : red(lost));
  print();
  const rows = [HEADING, ...rowsOf(rounds)];
  for (const line of isMarkdown ? markdownTable(rows) : table(rows)) print(line);
}

/** One line for each kind that had a round, and one for all. */
function rowsOf(rounds: readonly Round[]): string[][] {
  const kinds = [...new Set(rounds.map(({ kind }) => kind))].sort();
  return [
    ...kinds.map((kind) =>
      rowOf(
        kind,
        rounds.filter((round) => round.kind === kind),
      ),
    ),
    rowOf("all", rounds),
  ];
}

function rowOf(name: string, rounds: readonly Round[]): string[] {
  const took = rounds.map(({ recoveryMs }) => recoveryMs);
  const deliveries = rounds.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  return [
    name,
    String(rounds.length),
    deliveries.toLocaleString("en"),
    formatMs(percentile(took, 0.5)),
    formatMs(Math.max(...took)),
  ];
}
