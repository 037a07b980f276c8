import { matchesPattern } from "../../base/patterns.js";
import type { Lease } from "../transport/lease.js";
import { askRemote } from "../transport/remote.js";
import type { MirrorContext } from "./memory.js";
import type { RunContext } from "./options.js";

/** With more patterns than this, none is named on the command line. */
const MAX_ARGUMENTS = 50;

/** @returns GitHub's tips inside the mirror's scope */
export async function readRemoteTips(
  { git, scopeOf, fetchTimeoutMs }: MirrorContext,
  id: number,
  lease: Lease,
  run: RunContext,
): Promise<Map<string, string>> {
  const { refspecs } = scopeOf(id);
  // git ls-remote --refs [--heads] [--tags] <url> [<ref>…]
  const { stdout } = await askRemote(git, lease, {
    args: ["ls-remote", "--refs", ...refKinds(refspecs), lease.url, ...exactRefs(refspecs)],
    gitDir: null,
    timeoutMs: fetchTimeoutMs,
    signal: run.signal,
  });
  return parseRemoteTips(stdout, refspecs);
}

/** When only heads and tags are asked for, the server need not send other refs, such as refs/pull. */
function refKinds(refspecs: readonly string[]): string[] {
  const kinds = refspecs.map((pattern) => /^refs\/(heads|tags)\//.exec(pattern)?.[1]);
  return kinds.includes(undefined) ? [] : [...new Set(kinds)].map((kind) => `--${kind}`);
}

/**
 * When refs are named, the server need not send others; `parseRemoteTips` drops refs that match only by the
 * end of a name.
 */
const exactRefs = (refspecs: readonly string[]): readonly string[] =>
  refspecs.length <= MAX_ARGUMENTS && !refspecs.some((pattern) => pattern.includes("*")) ? refspecs : [];

function parseRemoteTips(stdout: string, refspecs: readonly string[]): Map<string, string> {
  const tips = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const [sha, ref] = line.split("\t");
    if (sha && ref && matchesPattern(ref, refspecs) && !ref.startsWith("refs/lockstep/")) tips.set(ref, sha);
  }
  return tips;
}
