import { backoffMs, type Random } from "../base/backoff.js";
import type { Store } from "../store/database.js";
import { LONGEST_HOLD_MS } from "./held-resources.js";
import { PROBE_MS } from "./outages.js";

/** Every backoff ends within ten minutes. */
const LONGEST_WAIT_MS = 10 * 60_000;

/**
 * Puts the rows of an earlier process where they belong.
 * - A row that ran when the process died is due after a backoff, which grows with each such death.
 * - Outages are forgotten, so a row that waits for one is due within the time between two probes.
 * - A row that is due later than its wait can be was stored by a clock that was ahead, and is due now.
 */
export function reopen(
  store: Store,
  { now, quietPeriodMs, random }: { now: number; quietPeriodMs: number; random: Random | undefined },
): void {
  const running = store.prepare("SELECT key, begun FROM dirty WHERE state = 'running'");
  const interrupted = store.prepare(
    `UPDATE dirty SET state = 'waiting', due_at = ?, running_since = NULL,
     armed_at = coalesce(armed_at, running_since) WHERE key = ?`,
  );
  const setMet = store.prepare(
    "UPDATE dirty SET due_at = ? WHERE state = 'waiting' AND met IS NOT NULL AND due_at > ?",
  );
  const setHeld = store.prepare(
    `UPDATE dirty SET due_at = ?, held_by = NULL
     WHERE state = 'waiting' AND held_by IS NOT NULL AND due_at > ?`,
  );
  const setOthers = store.prepare(
    "UPDATE dirty SET due_at = ? WHERE state = 'waiting' AND held_by IS NULL AND due_at > ?",
  );
  store.transaction(() => {
    for (const { key, begun } of running.all()) interrupted.run(now + backoffMs(Number(begun), random), key);
    const soon = now + PROBE_MS.at(-1)!;
    setMet.run(soon, soon);
    setHeld.run(now, now + LONGEST_HOLD_MS);
    setOthers.run(now, now + Math.max(LONGEST_WAIT_MS, 10 * quietPeriodMs));
  });
}
