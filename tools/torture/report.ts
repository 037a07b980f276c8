import { formatMs, percentile } from "../stats.js";
import { bold, green, print, red, table } from "../terminal.js";
import type { Outcome } from "./run.js";

export function printSummary({ rounds, skipped, answers, failed }: Outcome): void {
  const rows = [["fault", "rounds", "recovery p50", "max"]];
  for (const kind of [...new Set(rounds.map((round) => round.kind))].sort()) {
    const took = rounds.filter((round) => round.kind === kind).map(({ recoveryMs }) => recoveryMs);
    rows.push([kind, String(took.length), formatMs(percentile(took, 0.5)), formatMs(Math.max(...took))]);
  }
  const [heading = "", ...lines] = table(rows);
  print();
  print(bold(heading));
  for (const line of lines) print(line);
  print();
  for (const { kind, reason } of skipped) print(`skipped: ${kind} ${reason}`);
  const counts = [...answers].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  print(`answers to deliveries: ${counts.join(", ")} (0: not reached)`);
  const lost = failed === null ? green("lost: 0") : red("lost: 1 round failed");
  print(`${rounds.length} rounds, ${lost}`);
}
