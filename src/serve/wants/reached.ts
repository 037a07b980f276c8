import { Readable } from "node:stream";
import type { StreamGit } from "../../git/run/stream.js";
import { readLines } from "../lines.js";
import type { Shown } from "../shown.js";
import type { Served } from "../upload-pack.js";

const TIMEOUT_MS = 60_000;
/** Lines of input that are joined at a time. */
const AT_A_TIME = 1_000;

/**
 * Finds the commits to which no shown ref leads, by one walk for all of them. Where clocks were wrong, git may also print
 * a commit that a ref leads to, and never the other way round.
 * @param commits commits that the mirror has
 */
export async function findUnreached(
  streamGit: StreamGit,
  { dir }: Served,
  { tips }: Shown,
  commits: readonly string[],
): Promise<Set<string>> {
  const asked = new Set(commits.filter((id) => !tips.has(id)));
  const unreached = new Set<string>();
  if (asked.size === 0) return unreached;
  // git rev-list --stdin, with `<commit>` and `^<tip>` a line: what it prints is not reached
  const { stdout, done } = streamGit({
    args: ["rev-list", "--stdin"],
    gitDir: dir,
    input: Readable.from(inputOf(asked, tips)),
    timeoutMs: TIMEOUT_MS,
  });
  done.catch(() => {}); // The stream has the same error.
  await readLines(stdout, (line) => {
    if (asked.has(line)) unreached.add(line);
  });
  await done;
  return unreached;
}

function* inputOf(commits: Iterable<string>, tips: Iterable<string>): Generator<string> {
  let lines: string[] = [];
  for (const line of both(commits, tips)) {
    lines.push(line);
    if (lines.length < AT_A_TIME) continue;
    yield lines.join("");
    lines = [];
  }
  yield lines.join("");
}

function* both(commits: Iterable<string>, tips: Iterable<string>): Generator<string> {
  for (const id of commits) yield `${id}\n`;
  for (const id of tips) yield `^${id}\n`;
}
