import { monotonicMs } from "../../base/clock.js";
import { type RefChange, ZERO } from "../../base/model.js";
import { RESERVED_REFS } from "../../base/names.js";
import type { MirrorContext } from "./memory.js";
import { hideOwnRefs } from "./own-refs.js";
import { swapRefs } from "./refs.js";

const SERVED = `${RESERVED_REFS}served/`;
const TIMEOUT_MS = 120_000;

/** How long an object stays that was fetched for readers, in milliseconds. */
const GRACE_MS = 3_600_000;
/** So many of them one mirror has at most. */
const MAX_SERVED = 200;

const refOf = (sha: string): string => SERVED + sha;

/**
 * Keeps objects that were fetched for readers: no ref of GitHub's leads to them. The caller is the mirror's writer, and
 * has their whole history in the mirror.
 * @returns the refs that were made
 */
export async function keepServed(context: MirrorContext, id: number, ids: readonly string[]) {
  const { git, layout, memory } = context;
  await hideOwnRefs(context, id);
  const made = ids.map((sha) => ({ name: refOf(sha), sha }));
  await swapRefs(git, layout.mirror(id), [], made);
  const times = memory.served.get(id);
  for (const sha of ids) times?.set(sha, monotonicMs());
  return made.map(({ name, sha }): RefChange => ({ ref: name, before: ZERO, after: sha }));
}

/**
 * Drops what was fetched for readers more than a grace ago, and the oldest of what is too much. The caller is the
 * mirror's writer. What an earlier process has kept counts as kept when this one first sees it.
 * @param now by the monotonic clock, in milliseconds
 * @returns the refs that were dropped
 */
export async function dropServed(
  context: MirrorContext,
  id: number,
  now = monotonicMs(),
): Promise<RefChange[]> {
  const { git, layout, memory } = context;
  const known = memory.served.get(id);
  if (known?.size === 0) return [];
  const times = known ?? (await readServed(context, id, now));
  memory.served.set(id, times);
  const oldestFirst = [...times].sort(([, a], [, b]) => a - b);
  const excess = oldestFirst.length - MAX_SERVED;
  const old = oldestFirst.filter(([, at], n) => n < excess || now - at > GRACE_MS);
  const changes = old.map(([sha]): RefChange => ({ ref: refOf(sha), before: sha, after: ZERO }));
  await swapRefs(git, layout.mirror(id), changes).catch((error: unknown) => {
    // Somebody else has changed these refs.
    memory.served.delete(id);
    throw error;
  });
  for (const [sha] of old) times.delete(sha);
  return changes;
}

async function readServed({ git, layout }: MirrorContext, id: number, now: number) {
  const times = new Map<string, number>();
  // git for-each-ref --format='%(objectname)' refs/lockstep/served/
  await git({
    args: ["for-each-ref", "--format=%(objectname)", SERVED],
    gitDir: layout.mirror(id),
    timeoutMs: TIMEOUT_MS,
    takeLine: (sha) => void (sha && times.set(sha, now)),
  });
  return times;
}
