import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RefusedRef, Scope } from "../../base/model.js";
import { isInside } from "../../base/patterns.js";
import { linesOf, selectInSlices } from "../../base/slices.js";
import { missingRefOf, refusedRefsOf } from "../run/failure.js";
import { toBytes, toText } from "../run/ref-names.js";
import type { Lease } from "../transport/lease.js";
import { askRemote } from "../transport/remote.js";
import type { MirrorOptions, RunContext } from "./options.js";
import { asking } from "./partial.js";
import { whyRefused } from "./refusals.js";
import { prefixesOf } from "./remote-tips.js";

interface Fetch {
  gitDir: string;
  lease: Lease;
  run: RunContext;
  scope: Scope;
  config: Record<string, string>;
}

/** A fetch names every ref that it could not write, as far as git's last messages go; the next leaves these out. */
const MAX_TRIES = 10;

/**
 * Fetches every ref of the scope into a new repository. A pattern without `*` that the repository does not have would
 * fail the whole fetch, so such a pattern is left out; so is each ref that git refuses to write.
 * @returns the refs that were left out
 * @throws RefreshError
 */
export async function fetchEveryRef(tools: MirrorOptions, fetch: Fetch): Promise<RefusedRef[]> {
  const refused = new Map<string, string>();
  let wanted = fetch.scope.refspecs;
  for (let tries = 1; wanted.length > 0; ) {
    try {
      await fetchPatterns(tools, fetch, wanted, [...refused.keys()]);
      break;
    } catch (error) {
      const absent = missingRefOf(error);
      if (absent !== null && wanted.includes(absent)) {
        wanted = wanted.filter((pattern) => pattern !== absent);
        continue;
      }
      const found = (await findRefused(tools, fetch, error)).filter(({ ref }) => !refused.has(ref));
      if (found.length === 0 || ++tries > MAX_TRIES) throw error;
      for (const { ref, reason } of found) refused.set(ref, reason);
      wanted = wanted.filter((pattern) => !refused.has(pattern));
    }
  }
  const left = [...refused].map(([ref, reason]) => ({ ref, reason }));
  return [...left, ...(await dropUnwritable(fetch.gitDir))];
}

async function fetchPatterns(
  { git, cloneTimeoutMs }: MirrorOptions,
  { gitDir, lease, run, scope, config: more }: Fetch,
  wanted: readonly string[],
  without: string[],
): Promise<void> {
  // git fetch --progress --no-tags [--depth=<n>] --stdin <url> reads +refs/heads/*:refs/heads/* … ^refs/heads/<name> …
  const { options, from, config: remote } = asking(lease, scope);
  const specs = [...wanted.map((pattern) => `+${pattern}:${pattern}`), ...without.map((ref) => `^${ref}`)];
  await askRemote(git, lease, {
    args: ["fetch", "--progress", ...options, "--stdin", from],
    input: toBytes(`${specs.join("\n")}\n`),
    gitDir,
    config: { ...remote, ...more },
    timeoutMs: cloneTimeoutMs,
    signal: run.signal,
    ...(run.onProgress ? { onProgress: run.onProgress } : {}),
  });
}

/** @returns the refs that made the fetch fail, and those that could only fail it next; none: another reason did */
async function findRefused(
  { fetchTimeoutMs }: MirrorOptions,
  { lease, run, scope }: Fetch,
  error: unknown,
): Promise<RefusedRef[]> {
  const isIn = isInside(scope);
  const named = refusedRefsOf(error).filter(({ ref }) => isIn(ref));
  if (named.length === 0) return [];
  const isWanted = (ref: string) => isIn(ref) && whyRefused(ref) !== null;
  const question = { prefixes: prefixesOf(scope.refspecs), isWanted, timeoutMs: fetchTimeoutMs };
  const unwritable = [...(await lease.refs(question, run.signal)).keys()];
  return [...named, ...unwritable.map((ref) => ({ ref, reason: whyRefused(ref)! }))];
}

/**
 * Takes refs out of a new repository that git could never change: git 2.50 and newer writes the refs of a first fetch
 * into one file, without a lock for each. The form of the file is in git's refs/packed-backend.c.
 * @returns the refs that were taken out
 */
export async function dropUnwritable(gitDir: string): Promise<RefusedRef[]> {
  const path = join(gitDir, "packed-refs");
  const text = await readFile(path, "latin1").catch(() => "");
  const refused: RefusedRef[] = [];
  let isKept = true;
  const lines = await selectInSlices(linesOf(text), (line) => {
    // A line with `^` belongs to the ref of the line before.
    if (line.startsWith("^")) return isKept;
    const [, name] = /^[0-9a-f]+ (.+)$/.exec(line) ?? [];
    const ref = name === undefined ? null : toText(Buffer.from(name, "latin1"));
    const reason = ref === null ? null : whyRefused(ref);
    isKept = ref === null || reason === null;
    if (ref !== null && reason !== null) refused.push({ ref, reason });
    return isKept;
  });
  if (refused.length > 0) await writeFile(path, lines.join("\n"), "latin1");
  return refused;
}
