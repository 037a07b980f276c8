import { formatDuration } from "../base/units.js";
import type { Disk } from "../machine/disk.js";
import { type TreeBudget, tooLarge } from "./budget.js";

export interface LimitTools {
  budget: Pick<TreeBudget, "timeMs">;
  disk: Pick<Disk, "state" | "requireRoom" | "requireSpace">;
}

/** A build writes some hundred megabytes in this time. */
const LOOK_MS = 1_000;

/**
 * Runs a publish, and ends it when it takes too long or when the disk runs low meanwhile. A publish that begins on
 * a low disk goes on, as it may write in place; it ends below the floor.
 * @throws RefreshError `tree_too_large`, `disk_low`, `disk_full`, or what the publish throws
 */
export async function withinLimits<T>(
  { budget, disk }: LimitTools,
  signal: AbortSignal,
  publish: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const { low: isLowBefore } = disk.state();
  const late = setTimeout(() => {
    end.abort(tooLarge(`took longer than ${formatDuration(budget.timeMs)} to publish`, "CHECKOUT_TIMEOUT"));
  }, budget.timeMs);
  const look = setInterval(() => {
    const fault = findFault(disk, isLowBefore);
    if (fault) end.abort(fault);
  }, LOOK_MS);
  try {
    return await publish(AbortSignal.any([signal, end.signal]));
  } catch (error) {
    throw end.signal.aborted && !signal.aborted ? end.signal.reason : error;
  } finally {
    clearTimeout(late);
    clearInterval(look);
  }
}

function findFault(disk: LimitTools["disk"], isLowBefore: boolean): unknown {
  try {
    disk.requireRoom("publish");
    if (!isLowBefore) disk.requireSpace();
    return null;
  } catch (error) {
    return error;
  }
}
