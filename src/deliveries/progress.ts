import type { ErrorCode, RefreshError } from "../base/errors.js";
import { DELIVERY_LISTED_WITHIN_MS } from "../base/github-facts.js";
import type { Log } from "../base/log.js";
import { iso } from "../base/units.js";
import type { Facts } from "../store/facts.js";

/** Where the reading of GitHub's log stands; kept on disk, so that a long one goes on after a restart. */
export interface Progress {
  /** Everything delivered before this is accounted for, in milliseconds. Only a deep reading moves it. */
  watermark: number;
  /** What was delivered before this is not read any more: every repository was compared instead. */
  floor?: number;
  reading: Reading | null;
}

/** A reading that is under way. */
export interface Reading {
  /** Of its next page. */
  cursor: string;
  /** How often in a row that page could not be had. */
  failures?: number;
  /** GitHub's clock when it began, in milliseconds. */
  newest: number;
  pages: number;
  recovered: number;
}

export interface ProgressPorts {
  facts: Facts;
  /** Deliveries older than GitHub keeps were missed: everything is looked at. */
  reportExpired(since: number): void;
  /** How long GitHub keeps deliveries, in milliseconds. */
  windowMs: number;
  log: Pick<Log, "info" | "warn">;
}

const PROGRESS = "deliveries-read";
/** A reading goes on this far below what was read before. */
const OVERLAP_MS = DELIVERY_LISTED_WITHIN_MS;
/** So often in a row one page cannot be had, and it is done without. */
const MAX_FAILURES = 5;
/** GitHub's answers to a cursor that it no longer knows; of any other call they would mean something else. */
const CURSOR_REFUSED: ErrorCode[] = ["internal", "not_found"];

/** null: GitHub's log was never read. */
export const getProgress = ({ facts }: Pick<ProgressPorts, "facts">): Progress | null =>
  facts.get<Progress>(PROGRESS);

export function saveProgress({ facts }: Pick<ProgressPorts, "facts">, progress: Progress): Progress {
  facts.set(PROGRESS, progress);
  return progress;
}

/** The first start: every repository is about to be cloned, so what was delivered before says nothing. */
export const beginProgress = (ports: ProgressPorts, now: number): Progress =>
  saveProgress(ports, { watermark: now, reading: null });

/** The page that a reading stands at could not be had. */
export function saveFailure(ports: ProgressPorts, progress: Progress, error: RefreshError): void {
  const { reading } = progress;
  if (reading) saveProgress(ports, { ...progress, reading: afterFailure(reading, error) });
}

function afterFailure(reading: Reading, { code, retry }: RefreshError): Reading | null {
  // GitHub no longer knows a cursor that was kept: the next reading starts from the top.
  if (CURSOR_REFUSED.includes(code)) return null;
  return retry.kind === "after" ? reading : { ...reading, failures: (reading.failures ?? 0) + 1 };
}

/** Whether the page that a reading stands at has failed so often that it is done without. */
export const hasFailedTooOften = (progress: Progress | null): boolean =>
  (progress?.reading?.failures ?? 0) >= MAX_FAILURES;

/** Does without the page that cannot be had, and what is older: every repository is compared. */
export function skipUnreadable(ports: ProgressPorts, { watermark }: Progress, now: number): Progress {
  ports.log.warn(
    { event: "delivery_log_page_unavailable", since: iso(watermark) },
    "a page of GitHub's delivery log is unavailable; Lockstep compares every repository",
  );
  ports.reportExpired(watermark);
  return saveProgress(ports, { watermark: now, floor: now, reading: null });
}

/** Ahead of GitHub's clock is what was stored while that was wrong: nobody knows how far the log was read. */
export const isExpired = (ports: ProgressPorts, { watermark }: Progress, now: number): boolean =>
  watermark < now - ports.windowMs || watermark > now + OVERLAP_MS;

/** Begins again where GitHub's log does: every repository is compared. */
export function skipExpired(ports: ProgressPorts, { watermark }: Progress, now: number): Progress {
  const why =
    watermark > now
      ? "GitHub's clock was ahead earlier"
      : "Lockstep was down for longer than GitHub keeps deliveries";
  ports.log.warn(
    { event: "delivery_log_gap", since: iso(watermark) },
    `${why}; Lockstep compares every repository`,
  );
  ports.reportExpired(watermark);
  return saveProgress(ports, { watermark: now - ports.windowMs, reading: null });
}

/** Whether what was delivered at that time, and all that is older, is accounted for. */
export const isAccountedFor = ({ watermark, floor }: Progress, deliveredAt: number): boolean =>
  deliveredAt < Math.max(watermark - OVERLAP_MS, floor ?? 0);
