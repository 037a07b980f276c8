import { condemn } from "../disk/layout.js";
import { missingOf } from "./blobs.js";
import { inspectMirror } from "./inspect.js";
import { makeKept, readKept } from "./kept.js";
import type { MirrorContext } from "./memory.js";

const TIMEOUT_MS = 120_000;

/**
 * Inspects a mirror once after the machine was started again.
 * @returns false: the mirror is broken and condemned
 * @throws RefreshError when the answer is unknown; the next call inspects again
 */
export async function survivedBoot(
  context: MirrorContext,
  id: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { git, layout, doubts } = context;
  if (!doubts.needsInspection(id)) return true;
  const mirror = layout.mirror(id);
  const fault = await inspectMirror({ git, mirror, checkedAt: doubts.checkedAt(id), signal });
  if (fault === null) {
    await restoreKept(context, id, signal);
  } else {
    await condemn(mirror);
    doubts.onBroken(id, fault);
  }
  doubts.inspected(id);
  return fault === null;
}

/** Makes the refs of kept tips again whose files were lost, as far as the tips' objects exist. */
async function restoreKept(context: MirrorContext, id: number, signal: AbortSignal): Promise<void> {
  const { git, layout, keptRecord } = context;
  const recorded = await keptRecord.of(id);
  if (recorded.length === 0) return;
  const mirror = layout.mirror(id);
  const present = new Set((await readKept(git, mirror, signal)).map(({ name }) => name));
  const lost = recorded.filter(({ name }) => !present.has(name));
  const call = { gitDir: mirror, timeoutMs: TIMEOUT_MS, signal };
  const missing = new Set(await missingOf(git, call, [...new Set(lost.map(({ sha }) => sha))]));
  const restored = lost.filter(({ sha }) => !missing.has(sha));
  const made = await makeKept(git, mirror, restored);
  await keptRecord.drop(id, lost);
  await keptRecord.add(id, made);
}
