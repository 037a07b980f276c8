import type { Subscribe } from "../base/signal.js";
import type { Reported } from "../queue/contract.js";

export interface EnsurePorts {
  /** What GitHub has reported of the repository and no run has finished; null: nothing. */
  reported(id: number): Reported | null;
  /** Whether the mirror is known to differ from GitHub, and no run that is foreseen ends that. */
  hasGivenUp(id: number): boolean;
  /** Returns the ref's object in the mirror, ZERO when the ref does not exist. */
  tip(id: number, ref: string): Promise<string>;
  /** Ends the wait for a quiet moment before the repository's refresh. */
  hurry(id: number): void;
  /** Fires when refs of a mirror have changed. */
  onMoved: Subscribe<[id: number, changes: readonly { ref: string; after: string }[]]>;
  /** Fires when a run of the repository has ended. */
  onSettled: Subscribe<[id: number, result: "done" | "failed"]>;
}

/**
 * Waits until the mirror has what GitHub had reported when the call was made, and for nothing that comes later.
 * @returns false: the mirror does not have it in time, so that GitHub must be asked
 */
export type EnsureFresh = (id: number, signal: AbortSignal) => Promise<boolean>;

/** What one reader waits for. */
interface Wait {
  /** Refs that are not known to be where GitHub has reported them. */
  open: Map<string, string>;
  /** Whether a run goes on that began before the reader came, and perhaps before the last push was reported. */
  isEarlyRun: boolean;
  /** How many runs must succeed before all refs are compared that the pushes may be of. */
  runs: number;
  end(result: "fresh" | "late"): void;
}

const PATIENCE_MS = 2_000;

export function createEnsure(ports: EnsurePorts, patienceMs = PATIENCE_MS): EnsureFresh {
  const waits = new Map<number, Set<Wait>>();

  ports.onMoved((id, changes) => {
    const open = waits.get(id);
    if (!open) return;
    const reported = ports.reported(id);
    for (const wait of open) {
      for (const { ref, after } of changes) {
        // An early run may bring an older push of the ref; the newest that GitHub has reported is never one.
        const isNewEnough = after === wait.open.get(ref) || after === reported?.tips.get(ref);
        if (!wait.isEarlyRun || isNewEnough) wait.open.delete(ref);
      }
      endIfFresh(wait);
    }
  });
  ports.onSettled((id, result) => {
    const open = waits.get(id);
    if (!open) return;
    const reported = ports.reported(id);
    for (const wait of open) {
      wait.isEarlyRun = false;
      if (result === "done") wait.runs -= 1;
      settle(wait, reported);
      endIfFresh(wait);
      if (isDelayed(reported)) wait.end("late");
    }
  });

  return async (id, signal) => {
    const reported = ports.reported(id);
    if (reported === null) return !ports.hasGivenUp(id);
    ports.hurry(id);
    const now = ports.reported(id);
    if (isDelayed(now)) return isThere(ports, id, reported);
    return new Promise((resolve) => {
      const { isPartial, isRunning } = reported;
      const runs = isPartial ? (isRunning ? 2 : 1) : 0;
      const wait: Wait = { open: new Map(reported.tips), isEarlyRun: isRunning, runs, end };
      const giveUp = () => end("late");
      const timer = setTimeout(giveUp, patienceMs);
      signal.addEventListener("abort", giveUp, { once: true });
      const all = waits.get(id) ?? new Set();
      waits.set(id, all.add(wait));
      function end(result: "fresh" | "late"): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
        all.delete(wait);
        if (all.size === 0) waits.delete(id);
        // The end of a run that has failed for good, or holds a ref, leaves nothing to wait for.
        resolve(result === "fresh" && !ports.hasGivenUp(id));
      }
      settle(wait, now);
      endIfFresh(wait);
      // A running refresh may have moved refs before the call.
      void dropMoved(ports, id, wait).then(() => endIfFresh(wait), giveUp);
    });
  };
}

/** The refresh waits for longer than a reader does. */
const isDelayed = (reported: Reported | null): boolean => (reported?.dueInMs ?? 0) > PATIENCE_MS;

function endIfFresh({ open, runs, end }: Wait): void {
  if (open.size === 0 && runs <= 0) end("fresh");
}

/** A run has finished what the row no longer has. */
function settle(wait: Wait, reported: Reported | null): void {
  for (const ref of wait.open.keys()) if (!reported?.tips.has(ref)) wait.open.delete(ref);
  if (reported === null) wait.runs = 0;
}

async function dropMoved(ports: EnsurePorts, id: number, wait: Wait): Promise<void> {
  await Promise.all(
    [...wait.open].map(async ([ref, tip]) => {
      if ((await ports.tip(id, ref)) === tip) wait.open.delete(ref);
    }),
  );
}

async function isThere(ports: EnsurePorts, id: number, { tips, isPartial }: Reported): Promise<boolean> {
  if (isPartial) return false;
  const found = await Promise.all([...tips].map(async ([ref, tip]) => (await ports.tip(id, ref)) === tip));
  return found.every(Boolean);
}
