import type { Log } from "../base/log.js";
import type { RefreshResult } from "../base/model.js";
import { addLag } from "./lags.js";
import type { DatedSample, Sample, TrendTable } from "./table.js";

/** How things stand now. */
export type Gauges = Pick<Sample, "backlog" | "proofMs" | "budget" | "freeBytes">;

interface Ports {
  table: Pick<TrendTable, "add">;
  gauges(): Gauges;
  log: Pick<Log, "error">;
  now(): number;
}

export interface Recorder {
  /** Counts the end of a refresh. @param result as in the log, or the code of the failure @param lagMs null: no push */
  refreshed(result: string, lagMs: number | null): void;
  /** Counts a push that no delivery reported. */
  missed(): void;
  /** Returns what was counted since the last write, and how things stand now. */
  pending(): DatedSample;
  /** Writes what was counted. What cannot be written is kept for the next time, and never throws. */
  write(): void;
}

/** Results of a refresh that brought its mirror in step, or found that this was done. */
const SUCCESSES: ReadonlySet<string> = new Set(
  Object.keys({
    changed: 1,
    unchanged: 1,
    cloned: 1,
    superseded: 1,
    skipped: 1,
  } satisfies Record<RefreshResult, 1>),
);

const nothing = () => ({ pushes: 0, refreshes: 0, failures: 0, missed: 0, lags: new Map<number, number>() });

/** Counts in memory, so that a refresh costs no write of its own. */
export function createRecorder({ table, gauges, log, now }: Ports): Recorder {
  let counted = nothing();
  const pending = (): DatedSample => ({ ...counted, ...gauges(), at: now() });
  return {
    refreshed(result, lagMs) {
      if (!SUCCESSES.has(result)) {
        counted.failures += 1;
        return;
      }
      counted.refreshes += 1;
      if (lagMs === null) return;
      counted.pushes += 1;
      addLag(counted.lags, lagMs);
    },
    missed() {
      counted.missed += 1;
    },
    pending,
    write() {
      try {
        table.add(pending());
        counted = nothing();
      } catch (error) {
        log.error(
          { event: "trend_not_written", err: error },
          "the figures of a minute could not be written; they go with the next minute's",
        );
      }
    },
  };
}
