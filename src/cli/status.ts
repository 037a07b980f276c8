import type { AttentionView } from "../http/attention.js";
import { onCommandLine } from "../http/dialect.js";
import type { StatusView } from "../http/status-view.js";
import { type Mood, verdictOf } from "../http/verdict.js";
import { ago, print, stateText, styled, warnOfMissing } from "./print.js";
import { printWaits } from "./waits.js";

const COLORS = { good: "green", busy: "yellow", warn: "yellow", bad: "red", none: "dim" } as const;
const SIGNS: Record<Mood, string> = { good: "✓", busy: "…", warn: "!", bad: "✗", none: "·" };

/** Prints the verdict and what needs attention as the page shows them, then the figures. */
export function printStatus(status: StatusView): void {
  const { mood, title, detail } = verdictOf(status);
  print(styled(COLORS[mood], `${SIGNS[mood]} ${title}`));
  if (detail !== "") print(`  ${detail}`);
  for (const one of status.attention) printAttention(one);
  const more = status.attentionTotal - status.attention.length;
  if (more > 0) print(`  and ${more} more: lockstep list --state failing`);
  print();
  printFigures(status);
  warnOfMissing(status.missing);
}

function printAttention(one: AttentionView): void {
  const { kind, code, server, repository, names, repositories, detail, remedy, since } = one;
  const more = repositories - names.length;
  const who = repository ?? server ?? (names.join(", ") + (more > 0 ? ` and ${more} more` : "") || code);
  print();
  print(`${styled(kind === "held" ? "yellow" : "red", who)} (${code}, ${ago(since)})`);
  print(`  ${detail}`);
  print(`  → ${onCommandLine(remedy)}`);
  const command = commandFor(one);
  if (command !== null) print(`  $ ${command}`);
}

/** Returns the command that helps; null: there is none. */
function commandFor({ kind, repository, ref, wanted }: AttentionView): string | null {
  if (repository === null) return null;
  if (kind === "failing") return `lockstep refresh ${repository}`;
  if (kind !== "held" || ref === null || wanted === null) return null;
  const quoted = /^[\w./*-]+$/.test(ref) ? ref : `'${ref.replaceAll("'", `'\\''`)}'`;
  return `lockstep allow ${repository} ${quoted} --wanted ${wanted}`;
}

function printFigures({
  repositories,
  queue,
  backstop,
  deliveries,
  github,
  serving,
  disk,
}: StatusView): void {
  const counts = Object.entries(repositories).map(([state, count]) => `${count} ${stateText(state)}`);
  print(`repositories  ${counts.join(", ") || "none"}`);
  print(`queue         ${queue.depth}`);
  printWaits(queue);
  print(`backstop      ${backstop.intervalMs === null ? "off" : ago(backstop.lastPassAt)}`);
  print(`webhook       ${ago(deliveries.lastWebhookAt)}`);
  for (const { account, remaining, limit } of github.limits)
    print(`rate limit    ${remaining} of ${limit} (${account ?? "the App"})`);
  if (serving)
    print(`serving       ${serving.url}, to ${serving.readers.join(", ") || "nobody: set READERS"}`);
  const { freeBytes, full } = disk;
  print(`disk          ${(freeBytes / 2 ** 30).toFixed(1)} GiB free${full ? `, full at ${full.path}` : ""}`);
}
