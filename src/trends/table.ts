import { latestBelieved } from "../base/clock.js";
import type { Row, Store, Tables } from "../store/database.js";
import { type Lags, lagsFromText, lagsToText, mergeLags } from "./lags.js";

export const TREND_TABLES: Tables = {
  module: "trends",
  steps: [
    `CREATE TABLE trends (
       scale TEXT NOT NULL,
       at INTEGER NOT NULL,
       pushes INTEGER NOT NULL,
       refreshes INTEGER NOT NULL,
       failures INTEGER NOT NULL,
       missed INTEGER NOT NULL,
       lags TEXT NOT NULL,
       backlog INTEGER NOT NULL,
       proof_ms INTEGER,
       budget REAL,
       free_bytes INTEGER NOT NULL,
       PRIMARY KEY (scale, at)
     ) WITHOUT ROWID;`,
  ],
};

/** The rows of each scale cover so many milliseconds each, and so many of them are kept: 25 hours, and 92 days. */
export const SCALES = {
  minute: { ms: 60_000, kept: 1_500 },
  hour: { ms: 3_600_000, kept: 2_208 },
} as const;
export type Scale = keyof typeof SCALES;

/** What happened in some time, and how things stood then. */
export interface Sample {
  /** Refreshes that a push asked for and that succeeded. */
  pushes: number;
  /** Refreshes that succeeded, whatever asked for them. */
  refreshes: number;
  failures: number;
  /** Pushes that no delivery reported. */
  missed: number;
  /** From the delivery of a push to the end of its refresh. */
  lags: Lags;
  /** The most requests that waited or ran. */
  backlog: number;
  /** The greatest age of the oldest proof, in milliseconds; null: there was none. */
  proofMs: number | null;
  /** The least share that was left of a rate limit of GitHub's, from 0 to 1; null: GitHub had not reported any. */
  budget: number | null;
  /** The least free space on the disk of the mirrors. */
  freeBytes: number;
}

/** A sample with the time at which it begins, in milliseconds since 1970. */
export type DatedSample = Sample & { at: number };

export interface TrendTable {
  /** Adds a sample to its minute and its hour, in one transaction, and deletes the oldest rows. */
  add(sample: DatedSample): void;
  /** Lists the rows from `from` on, and before `to`, the oldest first. */
  between(scale: Scale, from: number, to: number): DatedSample[];
}

/** The rows are bounded by their number and not by their age, so that a wrong clock deletes no more than a right one. */
export function createTrendTable(store: Store): TrendTable {
  const get = store.prepare("SELECT * FROM trends WHERE scale = ? AND at = ?");
  const put = store.prepare("INSERT OR REPLACE INTO trends VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const list = store.prepare("SELECT * FROM trends WHERE scale = ? AND at >= ? AND at < ? ORDER BY at");
  const oldest = (which: string) =>
    store.prepare(
      `DELETE FROM trends WHERE scale = ?1 AND at ${which} ?2 AND at <= (SELECT at FROM trends
       WHERE scale = ?1 AND at ${which} ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3)`,
    );
  const cut = oldest("<=");
  // Rows that a clock has dated ahead must not push out those that are believed.
  const cutAhead = oldest(">");

  function addTo(scale: Scale, { at, ...sample }: DatedSample): void {
    const { ms, kept } = SCALES[scale];
    const begin = Math.floor(at / ms) * ms;
    const known = get.get(scale, begin);
    const sum = known ? merge(read(known), sample) : sample;
    const { lags, ...rest } = sum;
    const counts = [rest.pushes, rest.refreshes, rest.failures, rest.missed];
    put.run(
      scale,
      begin,
      ...counts,
      lagsToText(lags),
      rest.backlog,
      rest.proofMs,
      rest.budget,
      rest.freeBytes,
    );
    for (const each of [cut, cutAhead]) each.run(scale, latestBelieved(at), kept);
  }

  return {
    add(sample) {
      store.transaction(() => {
        addTo("minute", sample);
        addTo("hour", sample);
      });
    },
    between: (scale, from, to) => list.all(scale, from, to).map(read),
  };
}

/** Returns what is true of the time of both samples. */
export function merge(a: Sample, b: Sample): Sample {
  const lags: Lags = new Map(a.lags);
  mergeLags(lags, b.lags);
  return {
    pushes: a.pushes + b.pushes,
    refreshes: a.refreshes + b.refreshes,
    failures: a.failures + b.failures,
    missed: a.missed + b.missed,
    lags,
    backlog: Math.max(a.backlog, b.backlog),
    proofMs: extreme(Math.max, a.proofMs, b.proofMs),
    budget: extreme(Math.min, a.budget, b.budget),
    freeBytes: Math.min(a.freeBytes, b.freeBytes),
  };
}

const extreme = (of: (a: number, b: number) => number, a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : of(a, b);

const read = (row: Row): DatedSample => ({
  at: Number(row.at),
  pushes: Number(row.pushes),
  refreshes: Number(row.refreshes),
  failures: Number(row.failures),
  missed: Number(row.missed),
  lags: lagsFromText(String(row.lags)),
  backlog: Number(row.backlog),
  proofMs: row.proof_ms === null ? null : Number(row.proof_ms),
  budget: row.budget === null ? null : Number(row.budget),
  freeBytes: Number(row.free_bytes),
});
