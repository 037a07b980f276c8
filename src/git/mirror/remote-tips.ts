import { matchesPattern } from "../../base/patterns.js";
import type { Lease } from "../transport/lease.js";
import { askRemote } from "../transport/remote.js";
import type { MirrorContext } from "./memory.js";
import type { RunContext } from "./options.js";

/** More patterns than this are not named on the command line. */
const MAX_ARGUMENTS = 50;

/** @returns what GitHub has inside the mirror's scope */
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

/** With heads and tags alone the server need not send the rest, such as refs/pull. */
function refKinds(refspecs: readonly string[]): string[] {
  const kinds = refspecs.map((pattern) => /^refs\/(heads|tags)\//.exec(pattern)?.[1]);
  return kinds.includes(undefined) ? [] : [...new Set(kinds)].map((kind) => `--${kind}`);
}

/** Named, the server need not send the others; matching by the end of a name is left to `parseRemoteTips`. */
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
