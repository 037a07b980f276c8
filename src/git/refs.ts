import type { RefChange } from "../model.js";
import { ZERO } from "../model.js";
import type { RunGit } from "./exec.js";

const TIMEOUT_MS = 120_000;

/** Refs by name, symbolic ones and Lockstep's own left out. */
export async function readRefs(git: RunGit, mirror: string, prefixes: string[], signal?: AbortSignal) {
  // git for-each-ref --format='%(objectname) %(refname)' <prefix>…
  const { stdout } = await git({
    args: ["for-each-ref", "--format=%(objectname) %(refname) %(symref)", ...prefixes],
    gitDir: mirror,
    timeoutMs: TIMEOUT_MS,
    ...(signal ? { signal } : {}),
  });
  const refs = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const [sha, ref, symref] = line.split(" ");
    if (sha && ref && !symref && !ref.startsWith("refs/lockstep/")) refs.set(ref, sha);
  }
  return refs;
}

/**
 * The only way a mirror's refs change: compare and swap, all or nothing.
 * @throws GitFailure `tip_moved` when a ref is not at `before`, `ref_conflict` for `a` beside `a/b`.
 */
export async function swapRefs(git: RunGit, mirror: string, changes: RefChange[]): Promise<void> {
  if (changes.length === 0) return;
  // git update-ref --stdin -z; "update" with a zero old value creates, "delete" wants the old value
  const commands = changes.map(({ ref, before, after }) =>
    after === ZERO ? `delete ${ref}\0${before}\0` : `update ${ref}\0${after}\0${before}\0`,
  );
  await git({
    args: ["update-ref", "--no-deref", "--stdin", "-z"],
    gitDir: mirror,
    input: `start\0${commands.join("")}prepare\0commit\0`,
    timeoutMs: TIMEOUT_MS,
  });
}

/** Deletions go first, in a transaction of their own: one cannot delete `a` and create `a/b`. */
export async function applyChanges(git: RunGit, mirror: string, changes: RefChange[]): Promise<void> {
  await swapRefs(
    git,
    mirror,
    changes.filter((change) => change.after === ZERO),
  );
  await swapRefs(
    git,
    mirror,
    changes.filter((change) => change.after !== ZERO),
  );
}
