import { Readable } from "node:stream";
import type { RunGit } from "../../git/run/exec.js";
import { GitFailure } from "../../git/run/failure.js";
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
 * @param given commits that count as if a ref led to them
 */
export async function findUnreached(
  streamGit: StreamGit,
  { dir }: Served,
  {
    shown: { tips },
    commits,
    given = [],
  }: { shown: Shown; commits: readonly string[]; given?: readonly string[] },
): Promise<Set<string>> {
  const asked = new Set(commits.filter((id) => !tips.has(id)));
  const unreached = new Set<string>();
  if (asked.size === 0) return unreached;
  try {
    // git rev-list --stdin, with `<commit>` and `^<tip>` a line: what it prints is not reached
    const { stdout, done } = streamGit({
      args: ["rev-list", "--stdin"],
      gitDir: dir,
      input: Readable.from(inputOf(asked, [tips, given])),
      timeoutMs: TIMEOUT_MS,
    });
    done.catch(() => {}); // The stream has the same error.
    await readLines(stdout, (line) => {
      if (asked.has(line)) unreached.add(line);
    });
    await done;
    return unreached;
  } catch (error) {
    if (!isIncomplete(error)) throw error;
    // An interrupted fetch has left some of a history, to which no ref leads.
    return asked;
  }
}

/**
 * Finds the commits to which no ref at all leads, Lockstep's own included: nothing says that the mirror has their whole
 * history.
 * @param commits commits that the mirror has
 */
export async function findLoose(
  git: RunGit,
  { dir }: Served,
  commits: readonly string[],
): Promise<ReadonlySet<string>> {
  if (commits.length === 0) return new Set();
  try {
    // git rev-list --stdin --not --all
    const { stdout } = await git({
      args: ["rev-list", "--stdin", "--not", "--all"],
      gitDir: dir,
      input: `${commits.join("\n")}\n`,
      timeoutMs: TIMEOUT_MS,
    });
    const printed = new Set(stdout.split("\n"));
    return new Set(commits.filter((id) => printed.has(id)));
  } catch (error) {
    if (!isIncomplete(error)) throw error;
    return new Set(commits);
  }
}

/** git cannot walk through a history of which a part is missing. */
const isIncomplete = (error: unknown): boolean => error instanceof GitFailure && error.code === "corrupt";

function* inputOf(commits: Iterable<string>, without: Iterable<string>[]): Generator<string> {
  let lines: string[] = [];
  for (const line of both(commits, without)) {
    lines.push(line);
    if (lines.length < AT_A_TIME) continue;
    yield lines.join("");
    lines = [];
  }
  yield lines.join("");
}

function* both(commits: Iterable<string>, without: Iterable<string>[]): Generator<string> {
  for (const id of commits) yield `${id}\n`;
  for (const ids of without) for (const id of ids) yield `^${id}\n`;
}
